import { type Daemon, startDaemon } from '../daemon.ts'
import { manyChannels, oneChannel } from '../documents.ts'
import { expectJudging } from '../judging.ts'
import { type LoadOptions, publishTotal } from '../load.ts'
import type { Scenario } from '../scenario.ts'

const WARM_UP = 100_000
const MESSAGES = 400_000
const DOCUMENTS = 50
const CHANNELS = 10_000
/** Of two seconds each: a machine that has other guests gives one of them a fifth more or less. */
const ROUNDS = 9

const ONE: LoadOptions = { topic: 'site/0/device/c{client}/data' }
const ALL: LoadOptions = { topic: 'site/{topic}/device/c{client}/data', topics: CHANNELS }

/**
 * Whether a message costs more where many channels are known. Beside it the same messages to the same topics at one channel: what of
 * that is for the topics, and what for the channels.
 */
export const channels: Scenario = {
  name: 'channels',
  async run(effort, record) {
    const daemons: Daemon[] = []
    try {
      const one = await startDaemon({ documents: oneChannel('site/{site}/device/{deviceId}/data') })
      daemons.push(one)
      // Both stay for all rounds; the one that waits costs nothing.
      const many = await startDaemon({ documents: manyChannels(DOCUMENTS, CHANNELS) })
      daemons.push(many)
      // As they mostly start: what checking fifty documents leaves behind in memory is not what is asked.
      for (const daemon of daemons) await daemon.restart()
      const expectStoredByOne = await expectJudging(one, ONE)
      const expectStoredByMany = await expectJudging(many, ALL)
      await publishTotal(one.mqttPort, effort.count(WARM_UP), ONE)
      await publishTotal(many.mqttPort, effort.count(WARM_UP), ALL)

      const rounds = effort.rounds(ROUNDS)
      for (let round = 0; round < rounds; round++) {
        const atOne = await publishTotal(one.mqttPort, effort.count(MESSAGES), ONE)
        const atMany = await publishTotal(many.mqttPort, effort.count(MESSAGES), ALL)
        const sameTopics = await publishTotal(one.mqttPort, effort.count(MESSAGES), ALL)
        record.add('rate at 10,000 channels over rate at 1', '×', atMany.rate / atOne.rate, { atLeast: 0.9 })
        record.add('rate at 10,000 channels over rate at 1, same topics', '×', atMany.rate / sameTopics.rate)
        record.add('1 channel, 20 topics: rate', '/s', atOne.rate)
        record.add('1 channel, 10,000 topics: rate', '/s', sameTopics.rate)
        record.add('10,000 channels in 50 documents: rate', '/s', atMany.rate)
      }
      const ofMany = effort.count(WARM_UP) + rounds * effort.count(MESSAGES)
      await expectStoredByMany(ofMany)
      await expectStoredByOne(ofMany + rounds * effort.count(MESSAGES))
    } finally {
      for (const daemon of daemons) await daemon.stop()
    }
  },
}

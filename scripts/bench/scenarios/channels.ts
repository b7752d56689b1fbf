import { type Daemon, startDaemon } from '../daemon.ts'
import { manyChannels, oneChannel } from '../documents.ts'
import { expectJudging } from '../judging.ts'
import { type LoadOptions, publishTotal } from '../load.ts'
import type { Scenario } from '../scenario.ts'

/** Until V8 has optimised the checks of all fifty documents, each of which sees a fiftieth of this. */
const WARM_UP = 800_000
const MESSAGES = 400_000
const DOCUMENTS = 50
const CHANNELS = 10_000
/** Of a second and a half a load: a machine that has other guests gives one of them a fifth more or less. */
const ROUNDS = 15

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
      const rateOf = async (daemon: Daemon, load: LoadOptions): Promise<number> =>
        (await publishTotal(daemon.mqttPort, effort.count(MESSAGES), load)).rate
      const loads = [() => rateOf(one, ONE), () => rateOf(many, ALL), () => rateOf(one, ALL)]
      for (let round = 0; round < rounds; round++) {
        const [atOne = NaN, atMany = NaN, sameTopics = NaN] = await inRotation(loads, round)
        record.add('rate at 10,000 channels over rate at 1', '×', atMany / atOne, { atLeast: 0.9 })
        record.add('rate at 10,000 channels over rate at 1, same topics', '×', atMany / sameTopics)
        record.add('1 channel, 20 topics: rate', '/s', atOne)
        record.add('1 channel, 10,000 topics: rate', '/s', sameTopics)
        record.add('10,000 channels in 50 documents: rate', '/s', atMany)
      }
      const ofMany = effort.count(WARM_UP) + rounds * effort.count(MESSAGES)
      await expectStoredByMany(ofMany)
      await expectStoredByOne(ofMany + rounds * effort.count(MESSAGES))
    } finally {
      for (const daemon of daemons) await daemon.stop()
    }
  },
}

/** One after the other, in each round beginning with another one: the first finds the machine otherwise than the last. */
async function inRotation(loads: readonly (() => Promise<number>)[], round: number): Promise<number[]> {
  const results: number[] = []
  for (let step = 0; step < loads.length; step++) {
    const index = (round + step) % loads.length
    results[index] = (await loads[index]?.()) ?? NaN
  }
  return results
}

import { startDaemon } from '../daemon.ts'
import { manyChannels, oneChannel } from '../documents.ts'
import { publishSteadily, publishTotal } from '../load.ts'
import { AHEAD } from '../other-machines.ts'
import { readUsage } from '../process-usage.ts'
import type { Scenario } from '../scenario.ts'

const WARM_UP = 50_000
const RATE = 2_000
const SECONDS = 6
const CHANNELS = 100
/** Of tails. */
const ROUNDS = 7
const MANY_DOCUMENTS = 200
const MANY_CHANNELS = 5_000

/** What it costs to register a document while devices publish, and to start with many of them. */
export const registration: Scenario = {
  name: 'registration',
  async run(effort, record) {
    const [document] = Object.values(manyChannels(1, CHANNELS))
    // Each with a text of its own: one that was checked before is not checked again.
    const contentOf = (round: number): object => ({ ...document, info: { title: 'Bench', version: `1.0.${round}` } })
    const daemon = await startDaemon({ documents: oneChannel() })
    try {
      await publishTotal(daemon.mqttPort, effort.count(WARM_UP))
      for (let round = 0; round < effort.rounds(ROUNDS); round++) {
        const alone = await publishSteadily(daemon.mqttPort, RATE, SECONDS, {}, AHEAD)
        const load = publishSteadily(daemon.mqttPort, RATE, SECONDS, {}, AHEAD)
        const startedAt = performance.now()
        const response = await fetch(`${daemon.httpUrl}/asyncapis/register`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ name: `bench-${round}`, content: contentOf(round) }),
        })
        if (response.status !== 201) throw new Error(await response.text())
        const tookMs = performance.now() - startedAt
        const during = await load
        record.add('registering 100 channels', 'ms', tookMs, { atMost: 3_000 })
        const ratio = during.latencyMs.p99 / alone.latencyMs.p99
        record.add('acknowledgement p99 while registering over without', '×', ratio, { atMost: 1.5 })
      }
    } finally {
      await daemon.stop()
    }
    const many = await startDaemon({ documents: manyChannels(MANY_DOCUMENTS, MANY_CHANNELS) })
    try {
      for (let round = 0; round < effort.rounds(); round++) {
        const startedAt = performance.now()
        await many.restart()
        record.add('restart with 200 documents, 5,000 channels', 'ms', performance.now() - startedAt, { atMost: 2_000 })
        record.add('200 documents, 5,000 channels: RSS', 'MB', readUsage(many.pid).rssBytes / 1e6)
      }
    } finally {
      await many.stop()
    }
  },
}

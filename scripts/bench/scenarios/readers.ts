import { startDaemon } from '../daemon.ts'
import { oneChannel } from '../documents.ts'
import { publishSteadily, publishTotal } from '../load.ts'
import { AHEAD, ONLY_WHEN_IDLE, putAhead } from '../other-machines.ts'
import type { ReadersResult } from '../readers-generator.ts'
import { runForJson } from '../run-process.ts'
import type { Scenario } from '../scenario.ts'

const WARM_UP = 50_000
const READERS = 1_000
const RATE = 200
/** Of tails. */
const ROUNDS = 5
const SECONDS = 15
/** Messages of another channel's device, whose acknowledgements are timed. */
const TIMED_RATE = 100
const LEAD_MS = 4_000

/** A thousand streams and a thousand WebSockets of one channel, and what devices notice of them. */
export const readers: Scenario = {
  name: 'readers',
  async run(effort, record) {
    const seconds = effort.seconds(SECONDS)
    const [other] = Object.values(oneChannel('other/{id}/data'))
    const documents = { ...oneChannel(), other: { ...other, info: { title: 'Other', version: '1.0.0' } } }
    const daemon = await startDaemon({ documents })
    try {
      putAhead(daemon.pid)
      await publishTotal(daemon.mqttPort, effort.count(WARM_UP))
      const { items } = (await (await fetch(`${daemon.httpUrl}/channels`)).json()) as {
        items: { id: string; channel_name: string }[]
      }
      const channel = items.find((one) => one.channel_name === 'device/{deviceId}/data')?.id ?? ''
      const watch = (count: number): Promise<unknown> => {
        const options = {
          httpPort: new URL(daemon.httpUrl).port,
          mqttPort: daemon.mqttPort,
          channel,
          topic: 'device/timed/data',
          streams: count,
          sockets: count,
          seconds,
          rate: RATE,
        }
        const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
        return runForJson('readers-generator.ts', args, (seconds + 60) * 1_000, ONLY_WHEN_IDLE)
      }
      const timed = async (): Promise<number> => {
        await new Promise((resolve) => setTimeout(resolve, LEAD_MS))
        const timedSeconds = Math.max(2, seconds - LEAD_MS / 1_000)
        const load = await publishSteadily(
          daemon.mqttPort,
          TIMED_RATE,
          timedSeconds,
          { topic: 'other/c{client}/data' },
          AHEAD,
        )
        return load.latencyMs.p99
      }
      for (let round = 0; round < effort.rounds(ROUNDS); round++) {
        const [, aloneMs] = await Promise.all([watch(1), timed()])
        const [result, watchedMs] = await Promise.all([watch(READERS), timed()])
        const { fewest, expected, latencyMs } = result as ReadersResult
        record.add('2,000 readers: messages of the worst over those published', '×', fewest / expected, { atLeast: 1 })
        record.add('2,000 readers: delivery p99', 'ms', latencyMs.p99, { atMost: 250 })
        record.add('2,000 readers: delivery p50', 'ms', latencyMs.p50)
        record.add('acknowledgement p99 with 2,000 readers over with 2', '×', watchedMs / aloneMs, { atMost: 1.5 })
        record.add('acknowledgement p99 with 2,000 readers', 'ms', watchedMs)
      }
    } finally {
      await daemon.stop()
    }
  },
}

import { setTimeout as sleep } from 'node:timers/promises'
import { BenchKafka } from '../bench-kafka.ts'
import { type Daemon, startDaemon } from '../daemon.ts'
import { oneChannel } from '../documents.ts'
import { publishTotal } from '../load.ts'
import { readUsage } from '../process-usage.ts'
import type { Scenario } from '../scenario.ts'
import { median } from '../statistics.ts'

const EARLY = 100_000
const LATE = 1_000_000
const SAMPLES = 10
const SAMPLE_MS = 500

/** Whether memory grows with what has passed through. */
export const memoryGrowth: Scenario = {
  name: 'memory-growth',
  async run(effort, record) {
    const early = effort.count(EARLY)
    const late = effort.count(LATE)
    const kafka = await BenchKafka.start()
    try {
      for (let round = 0; round < effort.rounds(); round++) {
        const daemon = await startDaemon({ documents: oneChannel(), upstreams: kafka.upstreams })
        try {
          const start = await kafka.endOffset()
          await publishTotal(daemon.mqttPort, early)
          await kafka.hasTaken(start, early)
          const before = await restingRss(daemon)
          await publishTotal(daemon.mqttPort, late - early)
          await kafka.hasTaken(start, late)
          const after = await restingRss(daemon)
          const named = `RSS after ${late.toLocaleString('en')} messages`
          record.add(`${named} over RSS after ${early.toLocaleString('en')}`, '×', after / before, { atMost: 1.15 })
          record.add(named, 'MB', after / 1e6)
        } finally {
          await daemon.stop()
        }
      }
    } finally {
      await kafka.stop()
    }
  },
}

/** The median of some seconds: a single reading hangs on when the last collection was. */
async function restingRss(daemon: Daemon): Promise<number> {
  const samples: number[] = []
  for (let sample = 0; sample < SAMPLES; sample++) {
    await sleep(SAMPLE_MS)
    samples.push(readUsage(daemon.pid).rssBytes)
  }
  return median(samples)
}

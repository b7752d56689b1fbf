import { measureBareAedes } from '../bare-broker.ts'
import { BenchKafka } from '../bench-kafka.ts'
import { startDaemon } from '../daemon.ts'
import { oneChannel } from '../documents.ts'
import { publishTotal } from '../load.ts'
import { readUsage, resetPeak } from '../process-usage.ts'
import type { Effort, Recorder, Scenario } from '../scenario.ts'

const WARM_UP = 100_000
const MESSAGES = 400_000

/** As ingest, and every message confirmed by a real Kafka. */
export const forward: Scenario = {
  name: 'forward',
  async run(effort, record) {
    const kafka = await BenchKafka.start()
    try {
      for (let round = 0; round < effort.rounds(); round++) {
        const bare = await measureBareAedes(effort.count(WARM_UP), effort.count(MESSAGES))
        await measureDaemon(kafka, effort, record, bare.rate)
        record.add('bare Aedes beside an idle Kafka: rate', '/s', bare.rate)
      }
    } finally {
      await kafka.stop()
    }
  },
}

async function measureDaemon(kafka: BenchKafka, effort: Effort, record: Recorder, bareRate: number): Promise<void> {
  const total = effort.count(MESSAGES)
  const warmUp = effort.count(WARM_UP)
  const daemon = await startDaemon({ documents: oneChannel(), upstreams: kafka.upstreams })
  try {
    const start = await kafka.endOffset()
    await publishTotal(daemon.mqttPort, warmUp)
    await kafka.hasTaken(start, warmUp)
    resetPeak(daemon.pid)
    const warm = await kafka.endOffset()
    const before = readUsage(daemon.pid)
    const load = await publishTotal(daemon.mqttPort, total)
    const duplicates = await kafka.hasTaken(warm, total)
    const rate = total / ((Date.now() - load.startedAt) / 1000)
    const after = readUsage(daemon.pid)
    record.add('forwarding to Kafka: rate over bare Aedes', '×', rate / bareRate, { atLeast: 0.4 })
    record.add('forwarding to Kafka: CPU a message', 'µs', ((after.cpuMs - before.cpuMs) * 1000) / total, {
      atMost: 23,
    })
    record.add('forwarding to Kafka: peak RSS', 'MB', after.peakRssBytes / 1e6, { atMost: 250 })
    record.add('forwarding to Kafka: rate until Kafka has confirmed the last', '/s', rate)
    record.add('forwarding to Kafka: rate of acknowledgements', '/s', load.rate)
    record.add('forwarding to Kafka: duplicates', '', duplicates)
  } finally {
    await daemon.stop()
  }
}

import { measureBareAedes } from '../bare-broker.ts'
import { startDaemon } from '../daemon.ts'
import { oneChannel } from '../documents.ts'
import { expectJudging } from '../judging.ts'
import { publishTotal } from '../load.ts'
import { readUsage, resetPeak } from '../process-usage.ts'
import type { Effort, Recorder, Scenario } from '../scenario.ts'

const WARM_UP = 100_000
const MESSAGES = 400_000

/** Validated and fsynced, nothing forwarded, beside Aedes that does nothing. */
export const ingest: Scenario = {
  name: 'ingest',
  async run(effort, record) {
    for (let round = 0; round < effort.rounds(); round++) {
      const bare = await measureBareAedes(effort.count(WARM_UP), effort.count(MESSAGES))
      await measureDaemon(effort, record, bare.rate)
      record.add('bare Aedes: rate', '/s', bare.rate)
      record.add('bare Aedes: CPU a message', 'µs', bare.cpuMicroseconds)
    }
  },
}

async function measureDaemon(effort: Effort, record: Recorder, bareRate: number): Promise<void> {
  const warmUp = effort.count(WARM_UP)
  const total = effort.count(MESSAGES)
  const daemon = await startDaemon({ documents: oneChannel() })
  try {
    const expectStored = await expectJudging(daemon)
    await publishTotal(daemon.mqttPort, warmUp)
    resetPeak(daemon.pid)
    const before = readUsage(daemon.pid)
    const { rate } = await publishTotal(daemon.mqttPort, total)
    const after = readUsage(daemon.pid)
    await expectStored(warmUp + total)
    record.add('durable ingest: rate over bare Aedes', '×', rate / bareRate, { atLeast: 0.6 })
    record.add('durable ingest: CPU a message', 'µs', ((after.cpuMs - before.cpuMs) * 1000) / total, { atMost: 11 })
    record.add('durable ingest: rate', '/s', rate)
    record.add('durable ingest: peak RSS', 'MB', after.peakRssBytes / 1e6)
  } finally {
    await daemon.stop()
  }
}

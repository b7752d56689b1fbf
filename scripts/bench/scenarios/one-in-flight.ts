import { benchFolder } from '../bench-folder.ts'
import { BenchKafka } from '../bench-kafka.ts'
import { type Daemon, startDaemon } from '../daemon.ts'
import { oneChannel } from '../documents.ts'
import { publishTotal } from '../load.ts'
import { runForJson } from '../run-process.ts'
import type { Scenario } from '../scenario.ts'

const WARM_UP = 20_000
const MESSAGES = 10_000
const ROWS = 20_000
const ROUNDS = 5
const LIMIT_MS = 600_000

/** One device that waits for each acknowledgement: what the way through the threads costs. */
export const oneInFlight: Scenario = {
  name: 'one-in-flight',
  async run(effort, record) {
    const kafka = await BenchKafka.start()
    const daemons: Daemon[] = []
    try {
      const forwarding = await startDaemon({ documents: oneChannel(), upstreams: kafka.upstreams })
      daemons.push(forwarding)
      const ingesting = await startDaemon({ documents: oneChannel() })
      daemons.push(ingesting)

      const rateOf = async (daemon: Daemon) => {
        const isForwarding = daemon === forwarding
        const start = isForwarding ? await kafka.endOffset() : 0
        const total = effort.count(MESSAGES)
        const { rate } = await publishTotal(daemon.mqttPort, total, { clients: 1, window: 1 })
        if (isForwarding) await kafka.hasTaken(start, total)
        return rate
      }
      const start = await kafka.endOffset()
      for (const { mqttPort } of daemons) await publishTotal(mqttPort, effort.count(WARM_UP))
      await kafka.hasTaken(start, effort.count(WARM_UP))

      for (let round = 0; round < effort.rounds(ROUNDS); round++) {
        const serial = await serialFsync(effort.count(ROWS))
        const rate = await rateOf(forwarding)
        const withoutKafka = await rateOf(ingesting)
        record.add('one client, one in flight: rate over serial fsynced inserts', '×', rate / serial, { atLeast: 0.3 })
        record.add(
          'one client, one in flight, no upstream: rate over serial fsynced inserts',
          '×',
          withoutKafka / serial,
        )
        record.add('one client, one in flight: rate', '/s', rate)
        record.add('one client, one in flight, no upstream: rate', '/s', withoutKafka)
        record.add('serial fsynced inserts: rate', '/s', serial)
      }
    } finally {
      for (const daemon of daemons) await daemon.stop()
      await kafka.stop()
    }
  },
}

async function serialFsync(rows: number): Promise<number> {
  const folder = benchFolder()
  try {
    const args = ['--directory', folder.path, '--rows', String(rows)]
    const result = await runForJson('serial-fsync.ts', args, LIMIT_MS)
    if (typeof result !== 'object' || result === null || !('rate' in result)) throw new Error('no rate was printed')
    return Number(result.rate)
  } finally {
    folder.remove()
  }
}

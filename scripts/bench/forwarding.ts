import { BenchKafka } from './bench-kafka.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { oneChannel } from './documents.ts'
import { publishTotal } from './load.ts'

/** A daemon with one channel that forwards to a real Kafka, both warmed up by so many messages; ended when the work is. */
export async function whileForwarding(
  warmUp: number,
  work: (daemon: Daemon, kafka: BenchKafka) => Promise<void>,
): Promise<void> {
  const kafka = await BenchKafka.start()
  try {
    const daemon = await startDaemon({ documents: oneChannel(), upstreams: kafka.upstreams })
    try {
      const start = await kafka.endOffset()
      await publishTotal(daemon.mqttPort, warmUp)
      await kafka.hasTaken(start, warmUp)
      await work(daemon, kafka)
    } finally {
      await daemon.stop()
    }
  } finally {
    await kafka.stop()
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { silentLogger } from '../../daemon/core/logger.ts'
import { loadKafkajs } from '../../daemon/protocols/kafka/load-kafkajs.ts'
import { restIdleQueues } from '../../daemon/protocols/kafka/request-queues.ts'
import { type KafkaServer, startKafka } from '../../test/servers/kafka.ts'
import { waitUntil } from '../../test/servers/wait-until.ts'

/** What a plain document gives for the address that the load generator publishes to. */
const TOPIC = 'device.data'
const PARTITIONS = 3
const POLL_MS = 50
/** What was read is not needed again: a bench of an hour must not fill the disk. */
const SETTINGS = {
  'log.segment.bytes': String(64 * 1024 ** 2),
  'log.retention.bytes': String(128 * 1024 ** 2),
  'log.retention.check.interval.ms': '10000',
}

/** A real Kafka broker of our own, with the topic that the daemon forwards to. */
export class BenchKafka {
  private readonly server: KafkaServer
  private readonly admin: Admin

  private constructor(server: KafkaServer, admin: Admin) {
    this.server = server
    this.admin = admin
  }

  static async start(): Promise<BenchKafka> {
    // With settings it is never somebody else's broker, which could not be stopped.
    const server = await startKafka({ settings: SETTINGS })
    try {
      const { Kafka, logLevel } = (await loadKafkajs(silentLogger)).kafkajs
      const client = new Kafka({ brokers: server.brokers, clientId: 'bench', logLevel: logLevel.NOTHING })
      // Its idle timers would take processor time from the daemon that is measured.
      restIdleQueues(client)
      const admin = client.admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }], waitForLeaders: true })
      return new BenchKafka(server, admin)
    } catch (error) {
      await server.stopAll()
      throw error
    }
  }

  /** The daemon's `upstreams`. Short pauses: where Kafka is away, the attempts are part of the load. */
  get upstreams(): Readonly<Record<string, object>> {
    return { events: { protocol: 'kafka', brokers: this.server.brokers, retry: { max: '2s' } } }
  }

  /** How many messages Kafka has ever taken. */
  async endOffset(): Promise<number> {
    const partitions = await this.admin.fetchTopicOffsets(TOPIC)
    return partitions.reduce((sum, { high }) => sum + Number(high), 0)
  }

  /** Resolves to the excess, which is duplicates, when Kafka has taken `count` messages more than `since`. */
  async hasTaken(since: number, count: number, limitMs = 300_000): Promise<number> {
    const end = performance.now() + limitMs
    let taken = 0
    while (performance.now() < end) {
      taken = (await this.endOffset()) - since
      if (taken >= count) return taken - count
      await sleep(POLL_MS)
    }
    throw new Error(`Kafka has ${taken} of ${count} messages after ${limitMs / 1000} s`)
  }

  /** As a crash, and at once. */
  async kill(): Promise<void> {
    await this.server.kill(0)
  }

  async startAgain(): Promise<void> {
    await this.server.start(0)
    await waitUntil(
      () => 'Kafka knows its topic again',
      async () => {
        try {
          return (await this.endOffset()) >= 0
        } catch (error) {
          // Elected in a moment; kafkajs says so with a dozen different errors.
          if (error instanceof Error) return false
          throw error
        }
      },
    )
  }

  async stop(): Promise<void> {
    await this.admin.disconnect()
    await this.server.stopAll()
  }
}

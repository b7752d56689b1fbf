import type { Admin, IHeaders } from 'kafkajs'
import { silentLogger } from '../../../daemon/core/logger.ts'
import { KafkaAdapter } from '../../../daemon/protocols/kafka/kafka-adapter.ts'
import type { KafkaConfig } from '../../../daemon/protocols/kafka/kafka-config.ts'
import { loadKafkajs } from '../../../daemon/protocols/kafka/load-kafkajs.ts'
import { restIdleQueues } from '../../../daemon/protocols/kafka/request-queues.ts'
import { waitUntil } from '../../servers/wait-until.ts'

const { kafkajs } = await loadKafkajs(silentLogger)

export interface ArrivedRecord {
  partition: number
  offset: string
  key: string | null
  value: Buffer | null
  headers: IHeaders
  timestamp: string
}

/** A plain kafkajs client beside the adapter: makes topics and reads what arrived. */
export class KafkaObserver {
  readonly admin: Admin
  private readonly kafka: InstanceType<typeof kafkajs.Kafka>
  private topics = 0
  private groups = 0
  private readonly run = `${process.pid}-${Date.now()}`

  constructor(brokers: string[]) {
    this.kafka = new kafkajs.Kafka({ brokers, clientId: 'observer', logLevel: kafkajs.logLevel.NOTHING })
    restIdleQueues(this.kafka)
    this.admin = this.kafka.admin()
  }

  async newTopic(
    partitions = 1,
    settings: { replicas?: number; config?: Record<string, string> } = {},
  ): Promise<string> {
    this.topics += 1
    const topic = `t-${this.run}-${this.topics}`
    const configEntries = Object.entries(settings.config ?? {}).map(([name, value]) => ({ name, value }))
    await this.admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor: settings.replicas ?? 1, configEntries }],
      waitForLeaders: true,
    })
    return topic
  }

  /** Everything that is in the topic now, by partition and offset. */
  async read(topic: string): Promise<ArrivedRecord[]> {
    const ends = new Map(
      (await this.admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]),
    )
    const total = [...ends.values()].reduce((sum, end) => sum + end, 0)
    const records: ArrivedRecord[] = []
    if (total === 0) return records
    this.groups += 1
    const consumer = this.kafka.consumer({ groupId: `observer-${this.run}-${this.groups}`, maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: ({ partition, message }) => {
        if (Number(message.offset) < (ends.get(partition) ?? 0)) {
          const { offset, key, value, headers, timestamp } = message
          records.push({ partition, offset, key: key?.toString() ?? null, value, headers: headers ?? {}, timestamp })
        }
        return Promise.resolve()
      },
    })
    await waitUntil(
      () => `${records.length} of ${total} records of ${topic} read`,
      () => records.length >= total,
    )
    await consumer.disconnect()
    return records.toSorted((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset))
  }

  async numbers(topic: string): Promise<number[]> {
    return (await this.read(topic)).map(({ value }) => numberIn(value))
  }
}

export function numberIn(value: Buffer | null): number {
  const { n }: { n: number } = JSON.parse(value?.toString() ?? '')
  return n
}

/** A connected adapter; disconnect it in the test. */
export async function connectedAdapter(
  config: Partial<KafkaConfig> & { brokers: readonly string[] },
): Promise<KafkaAdapter> {
  const adapter = new KafkaAdapter()
  await adapter.connect({ clientId: 'edge-1', deadlineMs: 10_000, ...config })
  return adapter
}

import { setTimeout as sleep } from 'node:timers/promises'
import { type Clock, systemClock } from '../../core/clock.ts'
import { EdgeError, type ErrorCode } from '../../core/errors.ts'
import { type Logger, silentLogger } from '../../core/logger.ts'
import type { IncomingMessage, Outcome, OutgoingMessage, ProtocolAdapter } from '../adapter.ts'
import { BatchDelivery, type Send } from './batch-delivery.ts'
import { type Fault, classifyError } from './classify-error.ts'
import { KafkaConnection } from './kafka-connection.ts'
import { COMPRESSION, DEFAULT_DEADLINE_MS, type KafkaConfig } from './kafka-options.ts'
import { KafkaSubscription } from './kafka-subscription.ts'
import { byPartition, byTopic } from './partition-batches.ts'
import { type PartitionBatch, PreparedTopic } from './prepared-messages.ts'
import { RecordEncoder } from './record-encoder.ts'
import { TopicPartitions } from './topic-partitions.ts'
import { withDeadline } from './with-deadline.ts'

/** The server answered, but its coordinator is still starting. */
const STARTING_CODES = new Set([14, 15, 16])
const STARTING_RETRY_MS = 100

/** Faults that mean the connection is gone, rather than that the cluster cannot take messages now. */
const LOST_CODES = new Set<ErrorCode>([
  'upstream-unreachable',
  'upstream-timeout',
  'upstream-auth',
  'upstream-tls',
  'upstream-protocol',
])

interface Link {
  readonly connection: KafkaConnection
  readonly partitions: TopicPartitions
}

/**
 * Kafka through kafkajs: acks from all replicas, idempotent producer, one request outstanding.
 *
 * kafkajs resolves sends that it did not make, and its sequence numbers are wrong after some failures. So a message counts
 * as accepted only when its partition stands in the answer, and after any failure that is not a plain refusal the whole
 * client is dropped; the next call opens a new one.
 */
export class KafkaAdapter implements ProtocolAdapter<KafkaConfig> {
  onStateChange?: (state: 'connected' | 'disconnected', error?: EdgeError) => void
  private readonly logger: Logger
  private readonly clock: Clock
  private readonly encoder = new RecordEncoder()
  private readonly subscriptions = new Set<KafkaSubscription>()
  private config: KafkaConfig | undefined
  private link: Link | undefined
  private isLost = false

  constructor(options: { logger?: Logger; clock?: Clock } = {}) {
    this.logger = options.logger ?? silentLogger
    this.clock = options.clock ?? systemClock
  }

  async connect(config: KafkaConfig): Promise<void> {
    await this.disconnect()
    this.config = config
    await this.linkFor(config, this.clock.monotonicMs() + deadlineOf(config))
  }

  async publish(channel: string | null, messages: readonly OutgoingMessage[]): Promise<Outcome[]> {
    const config = this.config
    if (config === undefined) return messages.map(() => ({ status: 'kept', error: notConnected() }))
    const end = this.clock.monotonicMs() + deadlineOf(config)
    try {
      return await this.publishOn(await this.linkFor(config, end), config, channel, messages, end)
    } catch (error) {
      const { error: reason } = classifyError(error)
      this.lose(reason)
      return messages.map(() => ({ status: 'kept', error: reason }))
    }
  }

  async subscribe(channel: string, callback: (message: IncomingMessage) => Promise<void>): Promise<void> {
    const config = this.config
    if (config === undefined) throw notConnected()
    const subscription = await KafkaSubscription.start(config, this.logger, channel, callback)
    this.subscriptions.add(subscription)
  }

  async disconnect(): Promise<void> {
    const { link, subscriptions } = this
    this.config = undefined
    this.link = undefined
    this.isLost = false
    const subscribed = [...subscriptions]
    subscriptions.clear()
    await Promise.all([link?.connection.close(), ...subscribed.map((subscription) => subscription.stop())])
  }

  private async publishOn(
    link: Link,
    config: KafkaConfig,
    channel: string | null,
    messages: readonly OutgoingMessage[],
    end: number,
  ): Promise<Outcome[]> {
    const topics = byTopic(channel, messages)
    const left = () => end - this.clock.monotonicMs()
    const answers = await withDeadline(link.partitions.lookUp(topics.keys()), left(), 'asking for topics')
    const faults = new Map<string, Fault>()
    const batches: PartitionBatch[] = []
    for (const [topic, indices] of topics) {
      const answer = answers.get(topic)
      if (answer !== undefined && 'partitions' in answer && answer.partitions > 0) {
        batches.push(...byPartition(topic, answer.partitions, messages, indices))
      } else {
        faults.set(topic, answer !== undefined && 'fault' in answer ? answer.fault : noPartitions(topic))
      }
    }
    const send: Send = (some) => {
      const topicMessages = topicsOf(some).map(([topic, own]) => ({
        topic,
        messages: new PreparedTopic(own, messages, this.encoder),
      }))
      const compression = COMPRESSION[config.compression ?? 'none']
      const timeout = Math.max(1, Math.floor(left()))
      return withDeadline(
        link.connection.producer.sendBatch({ acks: -1, timeout, compression, topicMessages }),
        left(),
        'sending',
      )
    }
    const { outcomes, fault, refusedTopics } = await new BatchDelivery(send, messages).deliver(batches)
    if (fault !== undefined) this.lose(fault.error)
    // kafkajs goes on asking for every topic it has seen, and a refused one would fail all of its requests.
    else if (refusedTopics.size > 0) this.leave()
    return outcomes.map((outcome, index) => {
      if (outcome !== undefined) return outcome
      const topicFault = faults.get(channel ?? messages[index]?.address ?? '')
      if (topicFault?.kind === 'message') return { status: 'rejected', error: topicFault.error }
      return { status: 'kept', error: topicFault?.error ?? fault?.error ?? notConnected() }
    })
  }

  private async linkFor(config: KafkaConfig, end: number): Promise<Link> {
    if (this.link !== undefined) return this.link
    const link = await this.open(config, end)
    if (this.config !== config) {
      // Somebody disconnected meanwhile.
      link.connection.drop()
      throw notConnected()
    }
    this.link = link
    return link
  }

  private async open(config: KafkaConfig, end: number): Promise<Link> {
    const connection = await KafkaConnection.create(config, this.logger)
    try {
      // With idempotence this asks for metadata and a producer id: a mute server is found out here.
      await withDeadline(this.start(connection), end - this.clock.monotonicMs(), 'connecting')
    } catch (error) {
      connection.drop()
      throw classifyError(error, true).error
    }
    if (this.isLost) {
      this.isLost = false
      this.onStateChange?.('connected')
    }
    return { connection, partitions: new TopicPartitions(connection.admin, connection.producer, this.clock) }
  }

  private async start(connection: KafkaConnection): Promise<void> {
    try {
      await connection.producer.connect()
    } catch (error) {
      const { kafkaCode } = classifyError(error)
      if (kafkaCode === undefined || !STARTING_CODES.has(kafkaCode) || connection.isDropped) throw error
      await sleep(STARTING_RETRY_MS)
      await this.start(connection)
    }
  }

  private lose(error: EdgeError): void {
    this.leave()
    if (this.isLost || !LOST_CODES.has(error.code)) return
    this.isLost = true
    this.onStateChange?.('disconnected', error)
  }

  /** The next publish opens a new client. */
  private leave(): void {
    this.link?.connection.drop()
    this.link = undefined
  }
}

function topicsOf(batches: readonly PartitionBatch[]): [string, PartitionBatch[]][] {
  const topics = new Map<string, PartitionBatch[]>()
  for (const batch of batches) {
    const own = topics.get(batch.topic)
    if (own === undefined) topics.set(batch.topic, [batch])
    else own.push(batch)
  }
  return [...topics]
}

function deadlineOf(config: KafkaConfig): number {
  return config.deadlineMs ?? DEFAULT_DEADLINE_MS
}

function notConnected(): EdgeError {
  return new EdgeError('upstream-unreachable', 'not connected')
}

function noPartitions(topic: string): Fault {
  return { kind: 'route', error: new EdgeError('route-missing', `${topic} has no partitions`), kafkaCode: undefined }
}

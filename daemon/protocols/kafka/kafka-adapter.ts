import { type Clock, systemClock } from '../../core/clock.ts'
import { EdgeError } from '../../core/errors.ts'
import { type Logger, silentLogger } from '../../core/logger.ts'
import { sleep, systemTimers, type Timers, withDeadline } from '../../core/timers.ts'
import type { IncomingMessage, Outcome, OutgoingMessage, ProtocolAdapter } from '../adapter.ts'
import { BatchDelivery, type Send } from './batch-delivery.ts'
import { type Fault, classifyError, tooLate } from './classify-error.ts'
import { ACKS_ALL, COMPRESSION, deadlineOf } from './client-options.ts'
import type { KafkaConfig } from './kafka-config.ts'
import { KafkaConnection } from './kafka-connection.ts'
import { KafkaSubscription } from './kafka-subscription.ts'
import { byPartition, byTopic } from './partition-batches.ts'
import { type PartitionBatch, plainMessages, PreparedTopic } from './prepared-messages.ts'
import { RecordEncoder } from './record-encoder.ts'
import { TopicPartitions } from './topic-partitions.ts'

/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE and NOT_COORDINATOR: the server answered, but is still starting. */
const STARTING_CODES = new Set([14, 15, 16])
const STARTING_RETRY_MS = 100

interface Link {
  readonly connection: KafkaConnection
  readonly partitions: TopicPartitions
  /** Topics that were logged because they refuse times. */
  readonly timeless: Set<string>
}

/**
 * Kafka through kafkajs: acknowledged by all in-sync replicas, idempotent producer, one request outstanding.
 *
 * kafkajs resolves sends that it did not make, and its sequence numbers are wrong after some failures. So a message counts
 * as accepted only when the answer names its partition, and after any failure that is not a plain refusal the whole
 * client is dropped; the next call opens a new one.
 */
export class KafkaAdapter implements ProtocolAdapter<KafkaConfig> {
  private readonly logger: Logger
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly encoder = new RecordEncoder()
  private readonly subscriptions = new Set<KafkaSubscription>()
  private config: KafkaConfig | undefined
  private link: Link | undefined

  constructor(options: { logger?: Logger; clock?: Clock; timers?: Timers } = {}) {
    this.logger = options.logger ?? silentLogger
    this.clock = options.clock ?? systemClock
    this.timers = options.timers ?? systemTimers
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
      const { error: fault } = classifyError(error)
      const reason = this.link?.connection.explain(fault) ?? fault
      this.dropLink()
      return messages.map(() => ({ status: 'kept', error: reason }))
    }
  }

  async subscribe(channel: string, callback: (message: IncomingMessage) => Promise<void>): Promise<void> {
    const config = this.config
    if (config === undefined) throw notConnected()
    const subscription = await KafkaSubscription.start(config, this.logger, this.timers, channel, callback)
    this.subscriptions.add(subscription)
  }

  async disconnect(): Promise<void> {
    const { link, subscriptions } = this
    this.config = undefined
    this.link = undefined
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
    const answers = await this.within(link.partitions.lookUp(topics.keys()), end, 'asking for topics')
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
        messages: link.connection.takesPreparedLists
          ? new PreparedTopic(own, messages, this.encoder)
          : plainMessages(own, messages),
      }))
      const compression = COMPRESSION[config.compression ?? 'none']
      const timeout = Math.max(1, Math.floor(end - this.clock.monotonicMs()))
      const sent = link.connection.producer.sendBatch({ acks: ACKS_ALL, timeout, compression, topicMessages })
      return this.within(sent, end, 'sending')
    }
    const { outcomes, fault, refusedTopics, timelessTopics } = await new BatchDelivery(send, messages).deliver(batches)
    for (const topic of timelessTopics) this.tellTimeless(link, topic)
    // kafkajs goes on asking for every topic it has seen, and a refused one would fail all of its requests.
    if (fault !== undefined || refusedTopics.size > 0) this.dropLink()
    return outcomes.map((outcome, index) => {
      if (outcome !== undefined) return outcome
      const topicFault = faults.get(channel ?? messages[index]?.address ?? '')
      if (topicFault?.kind === 'message') return { status: 'rejected', error: topicFault.error }
      const reason = fault === undefined ? notConnected() : link.connection.explain(fault.error)
      return { status: 'kept', error: topicFault?.error ?? reason }
    })
  }

  private async linkFor(config: KafkaConfig, end: number): Promise<Link> {
    if (this.link !== undefined) return this.link
    const link = await this.open(config, end)
    if (this.config !== config) {
      // `disconnect` was called meanwhile.
      link.connection.drop()
      throw notConnected()
    }
    this.link = link
    return link
  }

  private async open(config: KafkaConfig, end: number): Promise<Link> {
    const connection = await KafkaConnection.create(config, this.logger, this.timers)
    try {
      // An idempotent producer asks for metadata and its id, so that a mute server is noticed here.
      await this.within(this.start(connection), end, 'connecting')
    } catch (error) {
      connection.drop()
      throw connection.explain(classifyError(error, true).error)
    }
    return { connection, partitions: new TopicPartitions(connection, this.clock, this.timers), timeless: new Set() }
  }

  private async start(connection: KafkaConnection): Promise<void> {
    try {
      await connection.producer.connect()
    } catch (error) {
      const { kafkaCode } = classifyError(error)
      if (kafkaCode === undefined || !STARTING_CODES.has(kafkaCode) || connection.isDropped) throw error
      await sleep(this.timers, STARTING_RETRY_MS)
      await this.start(connection)
    }
  }

  /** The work's outcome, or `upstream-timeout` at `endMs` of the monotonic clock; the work itself goes on and its result is ignored. */
  private within<Value>(work: Promise<Value>, endMs: number, name: string): Promise<Value> {
    return withDeadline(this.timers, work, Math.max(0, endMs - this.clock.monotonicMs()), tooLate(name))
  }

  /** Once a connection and topic. */
  private tellTimeless({ timeless }: Link, topic: string): void {
    if (timeless.has(topic)) return
    timeless.add(topic)
    this.logger.warn({ topic }, `${topic} refuses the times of messages (message.timestamp.*): they are sent without`)
  }

  /** The next publish opens a new client. */
  private dropLink(): void {
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

function notConnected(): EdgeError {
  return new EdgeError('upstream-unreachable', 'not connected')
}

function noPartitions(topic: string): Fault {
  return { kind: 'route', error: new EdgeError('route-missing', `${topic} has no partitions`), kafkaCode: undefined }
}

import type { Consumer, EachBatchPayload, IHeaders } from 'kafkajs'
import { EdgeError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { IncomingMessage } from '../adapter.ts'
import { classifyError } from './classify-error.ts'
import { KafkaConnection } from './kafka-connection.ts'
import { DEFAULT_DEADLINE_MS, type KafkaConfig } from './kafka-options.ts'
import { withDeadline } from './with-deadline.ts'

type Callback = (message: IncomingMessage) => Promise<void>

/** A consumer group member of its own; offsets are committed after the callbacks, so a message may come again. */
export class KafkaSubscription {
  private readonly connection: KafkaConnection
  private readonly consumer: Consumer
  private readonly callback: Callback

  /** Resolves when the member has its partitions and reads: what is written from now on is seen. */
  static async start(
    config: KafkaConfig,
    logger: Logger,
    topic: string,
    callback: Callback,
  ): Promise<KafkaSubscription> {
    const connection = await KafkaConnection.create(config, logger)
    const subscription = new KafkaSubscription(connection, config.groupId ?? config.clientId, callback)
    try {
      await withDeadline(subscription.run(topic), config.deadlineMs ?? DEFAULT_DEADLINE_MS, 'subscribing')
    } catch (error) {
      connection.drop()
      throw classifyError(error, true).error
    }
    return subscription
  }

  private constructor(connection: KafkaConnection, groupId: string, callback: Callback) {
    this.connection = connection
    this.consumer = connection.consumer(groupId)
    this.callback = callback
  }

  async stop(): Promise<void> {
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, 2000).unref())
    await Promise.race([Promise.allSettled([this.consumer.disconnect()]), timeout])
    this.connection.drop()
  }

  private async run(topic: string): Promise<void> {
    await this.consumer.connect()
    await this.consumer.subscribe({ topic, fromBeginning: false })
    const reading = new Promise<void>((resolve) => {
      // A group without offsets learns its first ones just before its first fetch.
      this.consumer.on(this.consumer.events.FETCH, () => resolve())
    })
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.readBatch(payload),
    })
    await reading
  }

  private async readBatch({ batch, resolveOffset, heartbeat, isRunning, isStale }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch
    let next: string | undefined
    try {
      for (const { offset, value, headers } of batch.messages) {
        if (!isRunning() || isStale()) break
        await this.callback({ address: topic, payload: value ?? new Uint8Array(), headers: textHeaders(headers) })
        resolveOffset(offset)
        next = String(BigInt(offset) + 1n)
        await heartbeat()
      }
    } catch (error) {
      throw new EdgeError('internal', `a message of ${topic} was not taken`, { cause: error })
    } finally {
      if (next !== undefined) await this.consumer.commitOffsets([{ topic, partition, offset: next }])
    }
  }
}

function textHeaders(headers: IHeaders | undefined): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value
    if (first !== undefined) texts[name] = first.toString()
  }
  return texts
}

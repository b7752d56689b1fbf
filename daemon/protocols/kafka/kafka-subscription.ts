import type { Consumer, EachBatchPayload, IHeaders } from 'kafkajs'
import { EdgeError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { settledWithin, type Timers, withDeadline } from '../../core/timers.ts'
import type { IncomingMessage } from '../adapter.ts'
import { classifyError, tooLate } from './classify-error.ts'
import { deadlineOf, RUN_OPTIONS } from './client-options.ts'
import type { KafkaConfig } from './kafka-config.ts'
import { KafkaConnection } from './kafka-connection.ts'

type Callback = (message: IncomingMessage) => Promise<void>

const DISCONNECT_MS = 2000

/** A member of a consumer group, with its own connection. Offsets are committed after the callbacks, so a message may come again. */
export class KafkaSubscription {
  private readonly connection: KafkaConnection
  private readonly timers: Timers
  private readonly consumer: Consumer
  private readonly callback: Callback

  /** Resolves when the member has its partitions and reads: messages that are written from now on are seen. */
  static async start(
    config: KafkaConfig,
    logger: Logger,
    timers: Timers,
    topic: string,
    callback: Callback,
  ): Promise<KafkaSubscription> {
    const connection = await KafkaConnection.create(config, logger, timers)
    const subscription = new KafkaSubscription(connection, timers, config.groupId ?? config.clientId, callback)
    try {
      await withDeadline(timers, subscription.run(topic), deadlineOf(config), tooLate('subscribing'))
    } catch (error) {
      connection.drop()
      throw connection.explain(classifyError(error, true).error)
    }
    return subscription
  }

  private constructor(connection: KafkaConnection, timers: Timers, groupId: string, callback: Callback) {
    this.connection = connection
    this.timers = timers
    this.consumer = connection.consumer(groupId)
    this.callback = callback
  }

  async stop(): Promise<void> {
    await settledWithin(this.timers, this.consumer.disconnect(), DISCONNECT_MS)
    this.connection.drop()
  }

  private async run(topic: string): Promise<void> {
    await this.consumer.connect()
    await this.consumer.subscribe({ topic, fromBeginning: false })
    const reading = new Promise<void>((resolve) => {
      // A group without offsets learns its first ones just before its first fetch.
      this.consumer.on(this.consumer.events.FETCH, () => resolve())
    })
    await this.consumer.run({ ...RUN_OPTIONS, eachBatch: (payload) => this.readBatch(payload) })
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
      throw new EdgeError('internal', `a message of ${topic} could not be handled`, { cause: error })
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

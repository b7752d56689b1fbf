import { EdgeError, messageOf } from '../../core/errors.ts'
import type { OutgoingAdapter, OutgoingMessage, Outcome } from '../../protocols/adapter.ts'
import type { RunningClock } from '../../store/log/running-clock.ts'
import type { DeadLetterInput } from '../../store/tables/dead-letters.ts'
import { ALL_TARGETS } from '../../store/tables/held.ts'
import type { HeldInput } from '../../store/tables/held.ts'
import type { MessageFactory } from '../thread/message-factory.ts'
import type { ForwardedCounts } from './forwarded-counts.ts'
import type { HeldRoutes } from './held-routes.ts'
import type { Entry } from './lane-queue.ts'
import { publishBatch } from './publish-batch.ts'

/** Outcome of one batch. Every entry is settled or kept; the counts and rows are of deliveries, of which an entry has one for each target. */
export interface BatchResult {
  /** Entries that need no more work: every delivery is accepted, buried, held or expired. */
  settled: Entry[]
  /** Entries with deliveries that are to be sent again, in sequence order. */
  kept: Entry[]
  delivered: number
  expired: number
  /** Sequence numbers of the entries that have expired, ascending. */
  expiredSeqs: number[]
  deadLetters: DeadLetterInput[]
  held: HeldInput[]
  /** The reason why entries were kept; the first one. */
  error: EdgeError | undefined
  /** Whether the destination accepted any message of the batch. */
  accepted: boolean
  /** Running time at which the newest delivered message was received. */
  deliveredRunningMs: number | undefined
}

/** One message for one target, rendered. */
export interface Delivery {
  entry: Entry
  target: number
  message: OutgoingMessage
}

export interface BatchSenderOptions {
  factory: Pick<MessageFactory, 'targets' | 'make' | 'messageId' | 'receivedAt'>
  held: HeldRoutes
  clock: Pick<RunningClock, 'runningMs'>
  /** Messages older than this have expired; null is never. */
  maxAgeMs: number | null
  counts: ForwardedCounts
}

/** Renders a batch, publishes it and settles each delivery by its outcome. When to send, and when again, is the loop's decision. */
export class BatchSender {
  private readonly options: BatchSenderOptions

  constructor(options: BatchSenderOptions) {
    this.options = options
  }

  async send(adapter: OutgoingAdapter, entries: readonly Entry[]): Promise<BatchResult> {
    const result: BatchResult = {
      settled: [],
      kept: [],
      delivered: 0,
      expired: 0,
      expiredSeqs: [],
      deadLetters: [],
      held: [],
      error: undefined,
      accepted: false,
      deliveredRunningMs: undefined,
    }
    const deliveries = this.render(entries, result)
    const outcomes = await publishBatch(
      adapter,
      deliveries.map(({ message }) => message),
    )
    for (const [index, delivery] of deliveries.entries()) this.settle(delivery, outcomes[index], result)
    for (const entry of entries) (entry.targets?.length === 0 ? result.settled : result.kept).push(entry)
    return result
  }

  /** Counts and makes the dead letter of a delivery that this destination will never accept. */
  deadLetter(entry: Entry, target: number, address: string, error: EdgeError): DeadLetterInput {
    const { factory, counts } = this.options
    const { record, origin } = entry
    counts.deadLettered(record.plan)
    return {
      seq: record.seq,
      target,
      messageId: factory.messageId(origin, record.seq),
      topic: record.topic,
      address,
      clientId: record.clientId,
      code: error.code,
      answer: error.message,
      epoch: origin.epoch,
      boot: origin.boot,
      record: Buffer.from(record.encoded),
      wallMs: factory.receivedAt(record, origin).wallMs,
    }
  }

  countDelivered({ record, origin }: Entry): void {
    const { counts, clock } = this.options
    counts.delivered(record.plan, clock.runningMs() - origin.closedMs)
  }

  /** Renders what the entries have still to deliver. A target that cannot be rendered, or whose route is held, is settled at once. */
  private render(entries: readonly Entry[], result: BatchResult): Delivery[] {
    const { factory, held } = this.options
    const now = this.options.clock.runningMs()
    const deliveries: Delivery[] = []
    for (const entry of entries) {
      const targets = this.targetsOf(entry, result)
      if (targets.length > 0 && this.isExpired(entry, now)) {
        result.expired += targets.length
        result.expiredSeqs.push(entry.record.seq)
        entry.targets = []
        continue
      }
      for (const target of targets) {
        try {
          const message = factory.make(entry.record, entry.origin, target)
          if (held.isHeld(routeOf(message))) this.hold({ entry, target, message }, undefined, result)
          else deliveries.push({ entry, target, message })
        } catch (error) {
          this.bury(entry, target, '', asEdgeError(error), result)
        }
      }
    }
    return deliveries
  }

  private targetsOf(entry: Entry, result: BatchResult): readonly number[] {
    const { factory, held } = this.options
    const { seq } = entry.record
    try {
      return (entry.targets ??= factory.targets(entry.record).filter((target) => !held.wasHeld({ seq, target })))
    } catch (error) {
      this.bury(entry, ALL_TARGETS, '', asEdgeError(error), result)
      return []
    }
  }

  private isExpired({ record }: Entry, nowMs: number): boolean {
    const { maxAgeMs } = this.options
    return (
      (record.expiresMs > 0 && record.expiresMs < nowMs) || (maxAgeMs !== null && record.runningMs < nowMs - maxAgeMs)
    )
  }

  private settle(delivery: Delivery, outcome: Outcome | undefined, result: BatchResult): void {
    const { entry, target, message } = delivery
    if (outcome?.status === 'accepted') {
      result.accepted = true
      result.delivered++
      result.deliveredRunningMs = entry.record.runningMs
      this.countDelivered(entry)
      return settleTarget(entry, target)
    }
    const error = outcome?.error ?? new EdgeError('internal', 'the adapter did not answer for a message')
    if (outcome?.status === 'rejected') return this.bury(entry, target, message.address, error, result)
    if (isRouteError(error)) return this.hold(delivery, error, result)
    result.error ??= error
  }

  private bury(entry: Entry, target: number, address: string, error: EdgeError, result: BatchResult): void {
    result.deadLetters.push(this.deadLetter(entry, target, address, error))
    settleTarget(entry, target)
  }

  private hold({ entry, target, message }: Delivery, error: EdgeError | undefined, result: BatchResult): void {
    const route = routeOf(message)
    const sinceRunningMs = this.options.clock.runningMs()
    this.options.held.hold(route, error, sinceRunningMs)
    const { seq } = entry.record
    const { epoch, boot } = entry.origin
    const record = Buffer.from(entry.record.encoded)
    result.held.push({ seq, target, route, epoch, boot, sinceRunningMs, record, replayedMs: null })
    settleTarget(entry, target)
  }
}

/** The exchange and address of a message: one that is missing or forbidden holds every message of the same route. */
export function routeOf(message: OutgoingMessage): string {
  return message.exchange === undefined ? message.address : `${message.exchange} ${message.address}`
}

export function isRouteError(error: EdgeError): boolean {
  return error.code === 'route-missing' || error.code === 'route-forbidden'
}

export function asEdgeError(error: unknown): EdgeError {
  return error instanceof EdgeError ? error : new EdgeError('internal', messageOf(error), { cause: error })
}

function settleTarget(entry: Entry, target: number): void {
  entry.targets = entry.targets?.filter((one) => one !== target) ?? []
}

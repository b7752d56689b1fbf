import { EdgeError, messageOf } from '../../core/errors.ts'
import type { OutgoingMessage, Outcome, OutgoingAdapter } from '../../protocols/adapter.ts'
import type { RunningClock } from '../../store/log/running-clock.ts'
import type { DeadLetterInput } from '../../store/tables/dead-letters.ts'
import type { HeldInput } from '../../store/tables/held.ts'
import type { MessageFactory } from '../thread/message-factory.ts'
import type { ForwardedCounts } from './forwarded-counts.ts'
import type { HeldRoutes } from './held-routes.ts'
import type { Entry } from './lane-queue.ts'

/** Outcome of one batch: every entry is in exactly one of the first six lists. */
export interface BatchResult {
  delivered: Entry[]
  expired: Entry[]
  /** Meant for other destinations only; they share a block with messages for this one. */
  foreign: Entry[]
  dead: Entry[]
  /** Moved to the held table. */
  parked: Entry[]
  /** To be sent again, in sequence order. */
  kept: Entry[]
  deadLetters: DeadLetterInput[]
  held: HeldInput[]
  /** The reason why entries were kept; the first one. */
  error: EdgeError | undefined
  /** Whether the destination accepted any message of the batch. */
  accepted: boolean
}

/** Entries of a batch that are not delivered; all others are. */
type Fates = Map<Entry, 'dead' | 'parked' | 'kept'>

interface Sending {
  message: OutgoingMessage
  entry: Entry
  target: number
}

export interface BatchSenderOptions {
  factory: MessageFactory
  held: HeldRoutes
  clock: RunningClock
  /** Messages older than this have expired; null is never. */
  maxAgeMs: number | null
  counts: ForwardedCounts
}

/** Renders a batch, publishes it and sorts its entries by their outcome. When to send, and when again, is the loop's decision. */
export class BatchSender {
  private readonly options: BatchSenderOptions

  constructor(options: BatchSenderOptions) {
    this.options = options
  }

  async send(adapter: OutgoingAdapter, entries: readonly Entry[]): Promise<BatchResult> {
    const result: BatchResult = {
      delivered: [],
      expired: [],
      foreign: [],
      dead: [],
      parked: [],
      kept: [],
      deadLetters: [],
      held: [],
      error: undefined,
      accepted: false,
    }
    const sendings: Sending[] = []
    const fates: Fates = new Map()
    const now = this.options.clock.runningMs()
    const live = entries.filter((entry) => {
      entry.targets ??= this.options.factory.targets(entry.record)
      const isForeign = entry.targets.length === 0
      if (!isForeign && !this.isExpired(entry, now)) return true
      result[isForeign ? 'foreign' : 'expired'].push(entry)
      return false
    })
    for (const entry of live) this.render(entry, sendings, fates, result)
    if (sendings.length > 0) {
      const outcomes = await adapter.publish(
        null,
        sendings.map((sending) => sending.message),
      )
      for (const [index, sending] of sendings.entries()) this.sortOut(sending, outcomes[index], fates, result)
    }
    const { counts } = this.options
    const confirmedMs = this.options.clock.runningMs()
    for (const entry of live) {
      const fate = fates.get(entry)
      if (fate === undefined) {
        result.delivered.push(entry)
        counts.delivered(entry.record.plan, confirmedMs - entry.origin.closedMs)
      } else result[fate].push(entry)
    }
    return result
  }

  /** Publishes messages that were held on `route` once more. Those that are accepted or rejected are released. */
  async probe(
    adapter: OutgoingAdapter,
    entries: readonly Entry[],
    route: string,
  ): Promise<{ released: number[]; delivered: number; deadLetters: DeadLetterInput[] }> {
    const released: number[] = []
    const deadLetters: DeadLetterInput[] = []
    let delivered = 0
    const sendings: Sending[] = []
    for (const entry of entries) {
      for (const target of this.options.factory.targets(entry.record)) {
        const message = this.options.factory.make(entry.record, entry.origin, target)
        if (routeOf(message) === route) sendings.push({ message, entry, target })
      }
    }
    if (sendings.length === 0) return { released, delivered, deadLetters }
    const outcomes = await adapter.publish(
      null,
      sendings.map((sending) => sending.message),
    )
    for (const [index, { entry, message }] of sendings.entries()) {
      const outcome = outcomes[index]
      if (outcome === undefined || outcome.status === 'kept') continue
      released.push(entry.record.seq)
      if (outcome.status === 'accepted') {
        delivered++
        this.options.counts.delivered(entry.record.plan, this.options.clock.runningMs() - entry.origin.closedMs)
      } else deadLetters.push(this.deadLetter(entry, message.address, outcome.error))
    }
    return { released, delivered, deadLetters }
  }

  /** Counts and makes the dead letter of a message that this destination will never accept. */
  deadLetter(entry: Entry, address: string, error: EdgeError): DeadLetterInput {
    const { factory, counts } = this.options
    const { record } = entry
    counts.deadLettered(record.plan)
    return {
      seq: record.seq,
      messageId: factory.messageId(entry.origin, record.seq),
      topic: record.topic,
      address,
      clientId: record.clientId,
      code: error.code,
      answer: error.message,
      headers: record.headers,
      payload: record.payload,
      wallMs: factory.receivedAt(record, entry.origin).wallMs,
    }
  }

  private isExpired({ record }: Entry, nowMs: number): boolean {
    const { maxAgeMs } = this.options
    return (
      (record.expiresMs > 0 && record.expiresMs < nowMs) || (maxAgeMs !== null && record.runningMs < nowMs - maxAgeMs)
    )
  }

  /** Adds a message for each target of the entry; those on held routes are held. */
  private render(entry: Entry, sendings: Sending[], fates: Fates, result: BatchResult): void {
    const { factory, held } = this.options
    for (const target of entry.targets ?? []) {
      try {
        const message = factory.make(entry.record, entry.origin, target)
        if (held.isHeld(routeOf(message))) this.hold(entry, message, undefined, fates, result)
        else sendings.push({ message, entry, target })
      } catch (error) {
        const known = error instanceof EdgeError ? error : new EdgeError('internal', messageOf(error), { cause: error })
        result.deadLetters.push(this.deadLetter(entry, '', known))
        fates.set(entry, 'dead')
      }
    }
  }

  private sortOut(sending: Sending, outcome: Outcome | undefined, fates: Fates, result: BatchResult): void {
    const { entry, target, message } = sending
    if (outcome?.status === 'accepted') {
      result.accepted = true
      entry.targets = entry.targets?.filter((one) => one !== target)
      return
    }
    const error = outcome?.error ?? new EdgeError('internal', 'the adapter did not answer for a message')
    if (outcome?.status === 'rejected') {
      entry.targets = entry.targets?.filter((one) => one !== target)
      result.deadLetters.push(this.deadLetter(entry, message.address, error))
      if (fates.get(entry) !== 'kept') fates.set(entry, 'dead')
    } else if (error.code === 'route-missing' || error.code === 'route-forbidden') {
      this.hold(entry, message, error, fates, result)
    } else {
      result.error ??= error
      fates.set(entry, 'kept')
    }
  }

  private hold(
    entry: Entry,
    message: OutgoingMessage,
    error: EdgeError | undefined,
    fates: Fates,
    result: BatchResult,
  ): void {
    const route = routeOf(message)
    // The held table has one row for a message, even if several of its targets are missing.
    if (fates.get(entry) === 'parked') return
    const sinceRunningMs = this.options.clock.runningMs()
    this.options.held.hold(route, error, sinceRunningMs)
    result.held.push({
      seq: entry.record.seq,
      route,
      epoch: entry.origin.epoch,
      boot: entry.origin.boot,
      sinceRunningMs,
      record: Buffer.from(entry.record.encoded),
    })
    if (fates.get(entry) !== 'kept') fates.set(entry, 'parked')
  }
}

/** The exchange and address of a message: one that is missing or forbidden holds every message of the same route. */
export function routeOf(message: OutgoingMessage): string {
  return message.exchange === undefined ? message.address : `${message.exchange} ${message.address}`
}

import { EdgeError, messageOf } from '../../core/errors.ts'
import type { OutgoingMessage, Outcome, ProtocolAdapter } from '../../protocols/adapter.ts'
import type { RunningClock } from '../../store/log/running-clock.ts'
import type { DeadLetterInput } from '../../store/tables/dead-letters.ts'
import type { HeldInput } from '../../store/tables/held.ts'
import type { MessageFactory } from '../thread/message-factory.ts'
import type { ForwardedCounts } from './forwarded-counts.ts'
import type { HeldRoutes } from './held-routes.ts'
import type { Entry } from './lane-queue.ts'

/** What became of the messages of one batch. Each entry is in exactly one list. */
export interface BatchResult {
  delivered: Entry[]
  expired: Entry[]
  /** Not meant for this destination: they only stand beside messages that are. */
  foreign: Entry[]
  dead: Entry[]
  /** Moved to the held table. */
  parked: Entry[]
  /** To be sent again, in sequence order. */
  kept: Entry[]
  deadLetters: DeadLetterInput[]
  held: HeldInput[]
  /** Why entries were kept. */
  error: EdgeError | undefined
  /** Whether the destination took anything at all. */
  accepted: boolean
}

interface Sending {
  message: OutgoingMessage
  entry: Entry
  target: number
}

export interface BatchSenderOptions {
  factory: MessageFactory
  held: HeldRoutes
  clock: RunningClock
  maxAgeMs: number | null
  counts: ForwardedCounts
}

/** Renders a batch, hands it to the adapter, and sorts the entries by what became of them. Decides nothing about time. */
export class BatchSender {
  private readonly options: BatchSenderOptions

  constructor(options: BatchSenderOptions) {
    this.options = options
  }

  async send(adapter: ProtocolAdapter, entries: readonly Entry[]): Promise<BatchResult> {
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
    const fates = new Map<Entry, 'dead' | 'parked' | 'kept'>()
    const now = this.options.clock.runningMs()
    const live = entries.filter((entry) => {
      entry.targets ??= this.options.factory.targets(entry.record)
      const isForeign = entry.targets.length === 0
      if (!isForeign && !this.isExpired(entry, now)) return true
      result[isForeign ? 'foreign' : 'expired'].push(entry)
      return false
    })
    for (const entry of live) this.prepare(entry, sendings, fates, result)
    if (sendings.length > 0) {
      const outcomes = await adapter.publish(
        null,
        sendings.map((sending) => sending.message),
      )
      for (const [index, sending] of sendings.entries()) this.apply(sending, outcomes[index], fates, result)
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

  /** Sends messages that were held on `route`; says which of them need not be held any longer. */
  async probe(
    adapter: ProtocolAdapter,
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
      } else deadLetters.push(this.bury(entry, message.address, outcome.error))
    }
    return { released, delivered, deadLetters }
  }

  /** A dead letter, counted, for a message that this destination will never take. */
  bury(entry: Entry, address: string, error: EdgeError): DeadLetterInput {
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

  private prepare(
    entry: Entry,
    sendings: Sending[],
    fates: Map<Entry, 'dead' | 'parked' | 'kept'>,
    result: BatchResult,
  ): void {
    const { factory, held } = this.options
    for (const target of entry.targets ?? []) {
      try {
        const message = factory.make(entry.record, entry.origin, target)
        if (held.has(routeOf(message))) this.park(entry, message, undefined, fates, result)
        else sendings.push({ message, entry, target })
      } catch (error) {
        const known = error instanceof EdgeError ? error : new EdgeError('internal', messageOf(error), { cause: error })
        result.deadLetters.push(this.bury(entry, '', known))
        fates.set(entry, 'dead')
      }
    }
  }

  private apply(
    sending: Sending,
    outcome: Outcome | undefined,
    fates: Map<Entry, 'dead' | 'parked' | 'kept'>,
    result: BatchResult,
  ): void {
    const { entry, target, message } = sending
    if (outcome?.status === 'accepted') {
      result.accepted = true
      entry.targets = entry.targets?.filter((one) => one !== target)
      return
    }
    const error = outcome?.error ?? new EdgeError('internal', 'the adapter gave no answer for a message')
    if (outcome?.status === 'rejected') {
      entry.targets = entry.targets?.filter((one) => one !== target)
      result.deadLetters.push(this.bury(entry, message.address, error))
      if (fates.get(entry) !== 'kept') fates.set(entry, 'dead')
    } else if (error.code === 'route-missing' || error.code === 'route-forbidden') {
      this.park(entry, message, error, fates, result)
    } else {
      result.error ??= error
      fates.set(entry, 'kept')
    }
  }

  private park(
    entry: Entry,
    message: OutgoingMessage,
    error: EdgeError | undefined,
    fates: Map<Entry, 'dead' | 'parked' | 'kept'>,
    result: BatchResult,
  ): void {
    const route = routeOf(message)
    // A message waits once, whatever number of its targets is missing.
    if (fates.get(entry) === 'parked') return
    const sinceRunningMs = this.options.clock.runningMs()
    this.options.held.add(route, error, sinceRunningMs)
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

/** What is missing or forbidden together. */
export function routeOf(message: OutgoingMessage): string {
  return message.exchange === undefined ? message.address : `${message.exchange} ${message.address}`
}

import type { ErrorCode } from '../core/errors.ts'
import { LatencyHistogram } from './latency-histogram.ts'
import { TallyCounts } from './tally-counts.ts'

/** total: of the gateway; client, sensor and upstream are its connections. */
export const SCOPES = ['total', 'channel', 'upstream', 'sensor', 'client'] as const
export type Scope = (typeof SCOPES)[number]

/** What is counted for. */
export interface Subject {
  scope: Scope
  /** Id of a channel, name of a connection, '' for the total. */
  key: string
  /** A channel's address, and `name@version` of its document; of a connection the key, and ''. */
  name: string
  document: string
}

/** Counts one channel, one connection or all. Keep it where messages pass: a message is a handful of additions. */
export class Tally {
  subject: Subject
  /** How busy it was lately, in messages; halved with every `take`. */
  score = 0
  private current = new TallyCounts()
  private readonly before = { received: 0, valid: 0, rejected: 0 }

  constructor(subject: Subject) {
    this.subject = subject
  }

  /** A message became durable, `durableMs` after it was received. */
  accepted(bytes: number, durableMs: number): void {
    const { current } = this
    current.received++
    current.valid++
    current.bytes += bytes
    current.durable ??= new LatencyHistogram()
    current.durable.add(durableMs)
  }

  refused(code: ErrorCode, bytes: number): void {
    const { current } = this
    current.received++
    current.rejected++
    current.bytes += bytes
    current.addReason(code, 1)
  }

  forwarded(destination: string, count: number, latency: LatencyHistogram): void {
    if (count > 0) this.current.addForwarded(destination, count)
    if (latency.count > 0) this.current.addConfirmed(latency)
  }

  deadLettered(destination: string, count: number): void {
    if (count > 0) this.current.addDeadLettered(destination, count)
  }

  /** Since the start of the process. */
  get cumulative(): { received: number; valid: number; rejected: number } {
    const { before, current } = this
    return {
      received: before.received + current.received,
      valid: before.valid + current.valid,
      rejected: before.rejected + current.rejected,
    }
  }

  /** What was counted since it was last taken; undefined if there was nothing. */
  take(): TallyCounts | undefined {
    const taken = this.current
    this.score = this.score / 2 + taken.activity
    if (taken.isEmpty) return undefined
    this.before.received += taken.received
    this.before.valid += taken.valid
    this.before.rejected += taken.rejected
    this.current = new TallyCounts()
    return taken
  }
}

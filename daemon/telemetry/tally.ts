import type { ErrorCode } from '../core/errors.ts'
import { LATENCY_BUCKETS, LatencyHistogram } from './latency-histogram.ts'
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

/** Where the buckets of latency begin in `passed`; before them the bytes. */
const FIRST_BUCKET = 1

/** Counts one channel, one connection or all. Keep it where messages pass: a message is a handful of additions. */
export class Tally {
  subject: Subject
  /** How busy it was lately, in messages; halved with every `take`. */
  score = 0
  private current = new TallyCounts()
  /** What every message counts into: one piece of memory, where thousands of channels are counted in turn. */
  private passed: Float64Array | undefined
  private readonly before = { received: 0, valid: 0, rejected: 0 }

  constructor(subject: Subject) {
    this.subject = subject
  }

  /** A message became durable; `bucket`: the `latencyBucket` of the time since it was received. */
  accepted(bytes: number, bucket: number): void {
    const passed = (this.passed ??= new Float64Array(FIRST_BUCKET + LATENCY_BUCKETS))
    passed[0] = (passed[0] ?? 0) + bytes
    passed[FIRST_BUCKET + bucket] = (passed[FIRST_BUCKET + bucket] ?? 0) + 1
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
    this.gather()
    const { before, current } = this
    return {
      received: before.received + current.received,
      valid: before.valid + current.valid,
      rejected: before.rejected + current.rejected,
    }
  }

  /** What was counted since it was last taken; undefined if there was nothing. */
  take(): TallyCounts | undefined {
    this.gather()
    const taken = this.current
    this.score = this.score / 2 + taken.activity
    if (taken.isEmpty) return undefined
    this.before.received += taken.received
    this.before.valid += taken.valid
    this.before.rejected += taken.rejected
    this.current = new TallyCounts()
    return taken
  }
  private gather(): void {
    const { passed, current } = this
    if (passed === undefined) return
    current.bytes += passed[0] ?? 0
    for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
      const count = passed[FIRST_BUCKET + bucket] ?? 0
      if (count === 0) continue
      current.received += count
      current.valid += count
      current.durable ??= new LatencyHistogram()
      current.durable.addTo(bucket, count)
    }
    passed.fill(0)
  }
}

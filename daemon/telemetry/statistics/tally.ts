import type { ErrorCode } from '../../core/errors.ts'
import type { AcceptedTable } from './accepted-table.ts'
import type { LatencyHistogram } from './latency-histogram.ts'
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
  private readonly table: AcceptedTable
  private ownRow: number | undefined
  private closed = false
  private readonly before = { received: 0, valid: 0, rejected: 0 }

  /** `table`: where messages are counted, with those of the tallies beside it. */
  constructor(subject: Subject, table: AcceptedTable) {
    this.subject = subject
    this.table = table
  }

  /** Its place in the table, for who counts without it. */
  get row(): number {
    this.ownRow ??= this.table.open()
    return this.ownRow
  }

  /** A message became durable; `bucket`: the `latencyBucket` of the time since it was received. */
  accepted(bytes: number, bucket: number): void {
    if (!this.closed) this.table.add(this.row, bytes, bucket)
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

  /** Gives its place away. Nobody asks any more: what is counted from now on counts nowhere. */
  close(): void {
    if (this.ownRow !== undefined) this.table.close(this.ownRow)
    this.ownRow = undefined
    this.closed = true
  }

  private gather(): void {
    if (this.ownRow !== undefined) this.table.take(this.ownRow, this.current)
  }
}

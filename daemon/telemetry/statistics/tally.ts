import type { ErrorCode } from '../../core/errors.ts'
import type { AcceptedTable } from './accepted-table.ts'
import type { LatencyHistogram } from './latency-histogram.ts'
import { TallyCounts } from './tally-counts.ts'

/** `total` is the gateway; upstreams, sensors and clients are its connections. */
export const SCOPES = ['total', 'channel', 'upstream', 'sensor', 'client'] as const
export type Scope = (typeof SCOPES)[number]

/** The gateway, a channel or a connection, for which messages are counted. */
export interface Subject {
  scope: Scope
  /** Id of a channel, name of a connection; '' for the gateway. */
  key: string
  /** Address of a channel; the key of a connection. */
  name: string
  /** `name@version` of a channel's document; '' for connections. */
  document: string
}

/** Counts the messages of one subject. A holder may keep it: counting a message is a handful of additions. */
export class Tally {
  subject: Subject
  /** Messages of late, halved with every `take`. */
  score = 0
  private current = new TallyCounts()
  private readonly table: AcceptedTable
  private ownRow: number | undefined
  private closed = false
  private readonly before = { received: 0, valid: 0, rejected: 0 }

  /** `table` counts durable messages, together with those of other tallies. */
  constructor(subject: Subject, table: AcceptedTable) {
    this.subject = subject
    this.table = table
  }

  /** Its row in the table, for callers that count there directly. */
  get row(): number {
    this.ownRow ??= this.table.open()
    return this.ownRow
  }

  /** Counts a durable message. `bucket`: the `latencyBucket` of the time since it was received. */
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

  /** Returns the counts since the last call, or undefined if there are none. */
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

  /** Returns its row. Messages are no longer counted. */
  close(): void {
    if (this.ownRow !== undefined) this.table.close(this.ownRow)
    this.ownRow = undefined
    this.closed = true
  }

  private gather(): void {
    if (this.ownRow !== undefined) this.table.moveInto(this.ownRow, this.current)
  }
}

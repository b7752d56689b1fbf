import type Database from 'better-sqlite3'
import { LIMIT } from '../bound-limit.ts'
import type { Settlement, StreamRow } from '../log/batch.ts'
import { CallSettling } from './call-settling.ts'
import type { Cursors } from './cursors.ts'
import type { CallRow, CallState } from './registry-rows.ts'

export interface CallLogLimits {
  maxAgeMs: number
  maxBytes: number
}

/** Rows that are completed, or trimmed, while nothing else is written. */
const IDLE_STEP = 1_000
/** In one commit of messages: twice as many as have come, so that neither ever falls behind, and what that leaves of this. */
const MIN_STEP = 16
const MAX_STEP = 5_000
const ROW_BYTES = 400
/** As the settings have it. */
const DEFAULT_LIMITS: CallLogLimits = { maxAgeMs: 7 * 86_400_000, maxBytes: 128 * 1024 ** 2 }

/** Rows of one transaction: theirs are the numbers from `first` to `last`. */
interface Rows {
  first: number
  last: number
  extraMs: number
}

/** `message_call_logs`: rows of calls, completed when all destinations of their message have settled it, trimmed by age and size. */
export class CallLog {
  private readonly settling: CallSettling
  private readonly sql: ReturnType<typeof prepare>
  private bytes: number | undefined
  private nowMs = 0
  private added = 0
  /** A destination has settled something in this transaction. */
  private hasNews = false
  private open: Rows | undefined
  /** The last transaction took so long to become durable. */
  private durable: Rows | undefined

  constructor(db: Database.Database, streams: ReadonlyMap<number, StreamRow>, cursors: Cursors) {
    this.settling = new CallSettling(db, streams, cursors)
    this.sql = prepare(db)
  }

  /** Inside a transaction. */
  add(row: CallRow, state: CallState | undefined): void {
    const ms =
      state === undefined ? row.response_time_ms : Math.max(0, Math.round(this.nowMs - state.receivedRunningMs))
    const isComplete = state !== undefined && !this.settling.hasDestinations(state.stream)
    const broker_response = isComplete ? '{}' : row.broker_response
    const { lastInsertRowid, changes } = this.sql.insert.run({ ...row, broker_response, response_time_ms: ms })
    if (changes === 0) return
    this.added++
    if (this.bytes !== undefined) this.bytes += bytesOf(row)
    if (state === undefined) return
    const rowid = Number(lastInsertRowid)
    this.open = { first: this.open?.first ?? rowid, last: rowid, extraMs: 0 }
    if (!isComplete) this.settling.add(row.id, state.seq, state.stream)
  }

  /** A transaction begins with messages that were closed off at `nowMs`. */
  begin(nowMs: number): void {
    this.nowMs = nowMs
    this.added = 0
    this.hasNews = false
    this.open = undefined
    this.tellDurable()
  }

  /** What settlements tell of messages that were not delivered. Inside a transaction. */
  noted(settlement: Settlement): void {
    this.hasNews = true
    this.settling.noted(settlement)
  }

  /** Ends the part of a transaction that messages make: a bounded step of what else there is to do. */
  step(wallMs: number, limits: CallLogLimits = DEFAULT_LIMITS): void {
    // Nothing has come, nothing can be completed: what is left over is looked at while nothing else is written.
    if (this.added === 0 && !this.hasNews) return
    const limit = Math.min(MAX_STEP, MIN_STEP + 2 * this.added)
    this.settle(limit)
    if (this.added > 0 && this.bytes !== undefined) this.trimTo(wallMs, limits, limit)
  }

  /** The transaction is durable, `tookMs` after its messages were closed off. */
  committed(tookMs: number): void {
    const extraMs = Math.max(0, Math.round(tookMs))
    this.durable = this.open === undefined || extraMs === 0 ? undefined : { ...this.open, extraMs }
    this.open = undefined
  }

  /** After a rollback. */
  reset(): void {
    this.open = undefined
    this.bytes = undefined
    this.settling.reset()
  }

  /** What there is to do while no messages come; returns whether there is more. Inside a transaction. */
  sweep(wallMs: number, limits: CallLogLimits = DEFAULT_LIMITS): boolean {
    this.tellDurable()
    this.durable = undefined
    const settled = this.settle(IDLE_STEP)
    const trimmed = this.trimTo(wallMs, limits, IDLE_STEP)
    this.settling.trim()
    return settled >= IDLE_STEP || trimmed >= IDLE_STEP
  }

  /** Written behind the commit that it is about: only then it is known. */
  private tellDurable(): void {
    const { durable } = this
    if (durable !== undefined) this.sql.durable.run(durable.extraMs, durable.first, durable.last)
  }

  private settle(limit: number): number {
    return this.settling.settle(limit, (id, response) => this.sql.respond.run(JSON.stringify(response), id))
  }

  /** Deletes what is too old or too much, the oldest first, at most `limit` rows; returns how many went. */
  private trimTo(wallMs: number, { maxAgeMs, maxBytes }: CallLogLimits, limit: number): number {
    const expired = oldest(wallMs - maxAgeMs)
    this.bytes ??= this.sql.measure.get() ?? 0
    if (this.bytes <= maxBytes && (this.sql.oldest.get() ?? '~') >= expired) return 0
    const going: string[] = []
    let last = 0
    for (const row of this.sql.first.iterate(limit)) {
      if (this.bytes <= maxBytes && row.created_at >= expired) break
      this.bytes -= row.bytes
      last = row.rowid
      going.push(row.id)
    }
    if (going.length === 0) return 0
    this.settling.forget(going)
    this.sql.trim.run(last)
    return going.length
  }
}

const BYTES = `${ROW_BYTES} + ifnull(octet_length(payload), 0) + ifnull(octet_length(headers), 0)`

function bytesOf({ payload, headers }: CallRow): number {
  return ROW_BYTES + Buffer.byteLength(payload ?? '') + Buffer.byteLength(headers ?? '')
}

function prepare(db: Database.Database) {
  return {
    insert: db.prepare(
      `INSERT INTO message_call_logs (id, channel_id, message_id, operation_type, payload, headers, broker_response, status, error_message, response_time_ms, created_at)
       VALUES (@id, @channel_id, @message_id, @operation_type, @payload, @headers, @broker_response, @status, @error_message, @response_time_ms, @created_at) ON CONFLICT DO NOTHING`,
    ),
    respond: db.prepare('UPDATE message_call_logs SET broker_response = ? WHERE id = ?'),
    durable: db.prepare(
      `UPDATE message_call_logs SET response_time_ms = response_time_ms + ? WHERE rowid BETWEEN ? AND ? AND operation_type = 'publish'`,
    ),
    oldest: db.prepare<[], string>('SELECT created_at FROM message_call_logs ORDER BY rowid LIMIT 1').pluck(),
    first: db.prepare<[number], { rowid: number; id: string; created_at: string; bytes: number }>(
      `SELECT rowid, id, created_at, ${BYTES} AS bytes FROM message_call_logs ORDER BY rowid ${LIMIT}`,
    ),
    trim: db.prepare<[number]>('DELETE FROM message_call_logs WHERE rowid <= ?'),
    measure: db.prepare<[], number | null>(`SELECT sum(${BYTES}) FROM message_call_logs`).pluck(),
  }
}

/** ISO 8601; the beginning of time where that is no date. */
function oldest(wallMs: number): string {
  return wallMs > 0 ? new Date(wallMs).toISOString() : ''
}

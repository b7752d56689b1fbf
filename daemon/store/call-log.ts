import type Database from 'better-sqlite3'
import type { StreamRow } from './batch.ts'
import type { Cursors } from './cursors.ts'
import type { CallRow, CallState } from './registry-rows.ts'

export interface CallLogLimits {
  maxAgeMs: number
  maxBytes: number
}

interface PendingCall {
  call_id: string
  seq: number
  stream: number
}

/** Rows that are looked at in one sweep: what is left over comes in the next. */
const SETTLED_AT_ONCE = 256
const TRIMMED_AT_ONCE = 1_000
const ROW_BYTES = 400
const MAX_MEASURED = 10_000
/** As the settings have it. */
const DEFAULT_LIMITS: CallLogLimits = { maxAgeMs: 7 * 86_400_000, maxBytes: 128 * 1024 ** 2 }

/** `message_call_logs`: rows of calls, completed when all destinations of their message have settled it. */
export class CallLog {
  private readonly cursors: Cursors
  private readonly streams: ReadonlyMap<number, StreamRow>
  private readonly insert: Database.Statement
  private readonly remember: Database.Statement
  private readonly pending: Database.Statement<[number, number], PendingCall>
  private readonly letter: Database.Statement<[string, number], { code: string }>
  private readonly respond: Database.Statement
  private readonly forget: Database.Statement
  private readonly trimAge: Database.Statement
  private readonly trimOldest: Database.Statement
  private readonly trimStates: Database.Statement
  private readonly measure: Database.Statement<[], number | null>
  private lastSeq = 0
  private bytes: number | undefined
  private nowMs = 0
  /** Calls of transactions that are not committed yet, and how long they have taken since. */
  private open: { id: string; receivedRunningMs: number }[] = []
  private readonly durableMs = new Map<string, number>()

  constructor(db: Database.Database, streams: ReadonlyMap<number, StreamRow>, cursors: Cursors) {
    this.cursors = cursors
    this.streams = streams
    this.insert = db.prepare(
      `INSERT INTO message_call_logs (id, channel_id, message_id, operation_type, payload, headers, broker_response, status, error_message, response_time_ms, created_at)
       VALUES (@id, @channel_id, @message_id, @operation_type, @payload, @headers, @broker_response, @status, @error_message, @response_time_ms, @created_at) ON CONFLICT DO NOTHING`,
    )
    this.remember = db.prepare('INSERT INTO call_states (call_id, seq, stream) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
    this.pending = db.prepare<[number, number], PendingCall>(
      'SELECT call_id, seq, stream FROM call_states WHERE seq > ? ORDER BY seq LIMIT ?',
    )
    this.letter = db.prepare<[string, number], { code: string }>(
      'SELECT code FROM dead_letters WHERE destination = ? AND seq = ?',
    )
    this.respond = db.prepare(
      'UPDATE message_call_logs SET broker_response = ?, response_time_ms = coalesce(?, response_time_ms) WHERE id = ?',
    )
    this.forget = db.prepare('DELETE FROM call_states WHERE call_id = ?')
    this.trimAge = db.prepare(
      'DELETE FROM message_call_logs WHERE rowid IN (SELECT rowid FROM (SELECT rowid, created_at FROM message_call_logs ORDER BY rowid LIMIT ?) WHERE created_at < ?)',
    )
    this.trimOldest = db.prepare(
      'DELETE FROM message_call_logs WHERE rowid IN (SELECT rowid FROM message_call_logs ORDER BY rowid LIMIT ?)',
    )
    this.trimStates = db.prepare('DELETE FROM call_states WHERE call_id NOT IN (SELECT id FROM message_call_logs)')
    this.measure = db
      .prepare<[], number | null>(
        `SELECT sum(${ROW_BYTES} + ifnull(octet_length(payload), 0) + ifnull(octet_length(headers), 0)) FROM message_call_logs`,
      )
      .pluck()
  }

  /** Inside a transaction. */
  add(row: CallRow, state: CallState | undefined): void {
    const ms =
      state === undefined ? row.response_time_ms : Math.max(0, Math.round(this.nowMs - state.receivedRunningMs))
    this.insert.run({ ...row, response_time_ms: ms })
    if (this.bytes !== undefined) this.bytes += ROW_BYTES + (row.payload?.length ?? 0) + (row.headers?.length ?? 0)
    if (state === undefined) return
    this.remember.run(row.id, state.seq, state.stream)
    this.open.push({ id: row.id, receivedRunningMs: state.receivedRunningMs })
  }

  /** A transaction begins. */
  begin(nowMs: number): void {
    this.nowMs = nowMs
    this.open = []
  }

  /** The transaction is durable. */
  committed(nowMs: number): void {
    for (const { id, receivedRunningMs } of this.open)
      this.durableMs.set(id, Math.max(0, Math.round(nowMs - receivedRunningMs)))
    this.open = []
    if (this.durableMs.size > MAX_MEASURED) this.durableMs.clear()
  }

  /** After a rollback. */
  reset(): void {
    this.open = []
    this.bytes = undefined
  }

  get hasOpen(): boolean {
    return this.open.length > 0
  }

  /** Completes the rows whose destinations have settled their message. Inside a transaction. */
  settle(): void {
    const rows = this.pending.all(this.lastSeq, SETTLED_AT_ONCE)
    // Round and round: a destination that is down must not hide what others have settled.
    this.lastSeq = rows.length < SETTLED_AT_ONCE ? 0 : (rows.at(-1)?.seq ?? 0)
    for (const { call_id: id, seq, stream } of rows) {
      const response = this.responseOf(seq, this.streams.get(stream))
      if (response === undefined) continue
      this.respond.run(JSON.stringify(response), this.durableMs.get(id) ?? null, id)
      this.forget.run(id)
      this.durableMs.delete(id)
    }
  }

  /** Deletes what is too old or too much, the oldest first. Inside a transaction. */
  trim(wallMs: number, limits: CallLogLimits = DEFAULT_LIMITS): void {
    this.trimAge.run(TRIMMED_AT_ONCE, oldest(wallMs - limits.maxAgeMs))
    if (this.bytes !== undefined && this.bytes <= limits.maxBytes) return
    // What was counted is only an upper bound: reading the whole log again is for when it matters.
    this.bytes = this.measure.get() ?? 0
    if (this.bytes <= limits.maxBytes) return
    this.trimOldest.run(TRIMMED_AT_ONCE)
    this.trimStates.run()
    this.bytes = undefined
  }

  /** What each destination has made of a message; undefined while one of them has not. */
  private responseOf(seq: number, stream: StreamRow | undefined): Record<string, string> | undefined {
    const response: [string, string][] = []
    for (const destination of stream?.destinations ?? []) {
      const cursor = this.cursors.get(destination, stream?.lane ?? 'live')
      if (cursor === undefined || !(seq < cursor.low || cursor.ranges.some(([from, to]) => seq >= from && seq <= to)))
        return undefined
      const letter = this.letter.get(destination, seq)
      response.push([destination, letter === undefined ? 'settled' : `dead-lettered: ${letter.code}`])
    }
    return Object.fromEntries(response)
  }
}

/** ISO 8601; the beginning of time where that is no date. */
function oldest(wallMs: number): string {
  return wallMs > 0 ? new Date(wallMs).toISOString() : ''
}

import type Database from 'better-sqlite3'
import { LIMIT } from '../sqlite.ts'
import { CallAges } from './call-ages.ts'
import { CallStates } from './call-states.ts'
import type { Cursors, Settlement } from './cursors.ts'
import { keysetPage, type Paged, type PageQuery } from './keyset-page.ts'
import type { StreamRow } from './streams.ts'
import type { Table } from './table.ts'

export interface CallRow {
  id: string
  channel_id: string
  message_id: string
  operation_type: 'publish' | 'subscribe'
  payload: string | null
  /** JSON. */
  headers: string | null
  /** JSON: a verdict other than accepted, and how each destination settled the message, once all have. */
  broker_response: string | null
  status: 'success' | 'error'
  error_message: string | null
  /** From receipt to durable; the writer fills it in. */
  response_time_ms: number | null
  created_at: string
}

/** The message that a call stored. */
export interface CallState {
  seq: number
  stream: number
  receivedRunningMs: number
}

export type CallOp = { type: 'call'; row: CallRow; state?: CallState }

export interface CallLogLimits {
  maxAgeMs: number
  maxBytes: number
}

/** The sixth of the user's six tables, exactly as given. */
export const calls: Table = {
  salvage: { message_call_logs: { rows: 'none', why: 'a record of the past, on which no message depends' } },
  migrations: [
    {
      step: 1,
      sql: `
  CREATE TABLE message_call_logs (id TEXT PRIMARY KEY, channel_id TEXT NOT NULL REFERENCES message_channels(id), message_id TEXT NOT NULL REFERENCES message_definitions(id), operation_type TEXT NOT NULL, payload TEXT, headers TEXT, broker_response TEXT,
    status TEXT NOT NULL, error_message TEXT, response_time_ms INTEGER, created_at TEXT NOT NULL);`,
    },
    { step: 1, rank: 1, sql: '\n  CREATE INDEX calls_by_channel ON message_call_logs (channel_id);' },
    // Each recorded call dirtied a page of the index, at random. Without it a query for one channel reads through all calls.
    { step: 4, sql: 'DROP INDEX calls_by_channel;' },
  ],
}

/** Rows that are completed, or deleted, in one step while nothing else is written. */
const IDLE_STEP = 1_000
/** In a commit of messages it is this and twice as many rows as the commit adds, so that completing and deleting keep up. */
const MIN_STEP = 16
const MAX_STEP = 5_000
const ROW_BYTES = 400
/** The defaults of the settings. */
const DEFAULT_LIMITS: CallLogLimits = { maxAgeMs: 7 * 86_400_000, maxBytes: 128 * 1024 ** 2 }

/** Rows of one transaction, by row number, and the milliseconds from closing its batch to its commit. */
interface RowsOfCommit {
  first: number
  last: number
  extraMs: number
}

/** Writes the rows of calls, completes them when all destinations of their message have settled it, trims them by age and size. */
export class CallWriter {
  private readonly states: CallStates
  private readonly ages: CallAges
  private readonly sql: ReturnType<typeof prepare>
  private bytes: number | undefined
  private nowMs = 0
  private added = 0
  /** A destination has settled something in this transaction. */
  private hasSettlements = false
  private open: RowsOfCommit | undefined
  /** Rows of the last transaction, whose times are still to be completed. */
  private durable: RowsOfCommit | undefined

  constructor(db: Database.Database, streams: ReadonlyMap<number, StreamRow>, cursors: Cursors) {
    this.states = new CallStates(db, streams, cursors)
    this.ages = new CallAges(db)
    this.sql = prepare(db)
  }

  /** Inside a transaction. */
  insert({ row, state }: CallOp): void {
    const ms =
      state === undefined ? row.response_time_ms : Math.max(0, Math.round(this.nowMs - state.receivedRunningMs))
    const isComplete = state !== undefined && !this.states.hasDestinations(state.stream)
    const broker_response = isComplete ? (row.broker_response ?? '{}') : row.broker_response
    const { lastInsertRowid, changes } = this.sql.insert.run({ ...row, broker_response, response_time_ms: ms })
    if (changes === 0) return
    this.added++
    if (this.bytes !== undefined) this.bytes += bytesOf(row)
    const rowid = Number(lastInsertRowid)
    this.ages.inserted(rowid, this.nowMs)
    if (state === undefined) return
    this.open = { first: this.open?.first ?? rowid, last: rowid, extraMs: 0 }
    if (!isComplete) this.states.waitFor(row.id, state.seq, state.stream)
  }

  /** A transaction begins; its batch was closed at the running time `nowMs`. */
  begin(nowMs: number): void {
    this.nowMs = nowMs
    this.added = 0
    this.hasSettlements = false
    this.open = undefined
    this.addCommitTime()
  }

  /** Inside a transaction. */
  note(settlement: Settlement): void {
    this.hasSettlements = true
    this.states.note(settlement)
  }

  /** Completes and trims a bounded number of rows in the transaction of a batch. */
  completeSome(nowMs: number, limits: CallLogLimits = DEFAULT_LIMITS): void {
    // Without new calls and settlements nothing has become complete; what is left over waits for the sweep.
    if (this.added === 0 && !this.hasSettlements) return
    const limit = Math.min(MAX_STEP, MIN_STEP + 2 * this.added)
    this.complete(limit)
    if (this.added > 0 && this.bytes !== undefined) this.trimTo(nowMs, limits, limit)
  }

  /** The transaction is durable, `tookMs` after its batch was closed. */
  committed(tookMs: number): void {
    const extraMs = Math.max(0, Math.round(tookMs))
    this.durable = this.open === undefined || extraMs === 0 ? undefined : { ...this.open, extraMs }
    this.open = undefined
  }

  rolledBack(): void {
    this.open = undefined
    this.bytes = undefined
    this.states.rolledBack()
    this.ages.rolledBack()
  }

  /** Completes and trims rows while no messages come; returns whether there are more. Inside a transaction. */
  sweep(nowMs: number, limits: CallLogLimits = DEFAULT_LIMITS): boolean {
    this.addCommitTime()
    this.durable = undefined
    const looked = this.complete(IDLE_STEP)
    this.ages.sweep(nowMs)
    const trimmed = this.trimTo(nowMs, limits, IDLE_STEP)
    this.states.trimLosses()
    return looked >= IDLE_STEP || trimmed >= IDLE_STEP
  }

  /** Adds the time of the last commit to its rows: it is known only behind the commit. */
  private addCommitTime(): void {
    const { durable } = this
    if (durable !== undefined) this.sql.durable.run(durable.extraMs, durable.first, durable.last)
  }

  private complete(limit: number): number {
    return this.states.completeUpTo(limit, (id, response) => this.sql.respond.run(JSON.stringify(response), id))
  }

  /** Deletes rows that are too old or too many bytes, the oldest first, at most `limit`; returns how many. */
  private trimTo(nowMs: number, { maxAgeMs, maxBytes }: CallLogLimits, limit: number): number {
    const old = this.ages.olderThan(nowMs - maxAgeMs)
    this.bytes ??= this.sql.measure.get() ?? 0
    if (this.bytes <= maxBytes && old === 0) return 0
    const going: string[] = []
    let last = 0
    for (const row of this.sql.first.iterate(limit)) {
      if (this.bytes <= maxBytes && row.rowid >= old) break
      this.bytes -= row.bytes
      last = row.rowid
      going.push(row.id)
    }
    if (going.length > 0) {
      this.states.forget(going)
      this.sql.trim.run(last)
    }
    if (going.length < limit) this.ages.trimmed(old)
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
    respond: db.prepare(
      `UPDATE message_call_logs SET broker_response = json_patch(ifnull(broker_response, '{}'), ?) WHERE id = ?`,
    ),
    durable: db.prepare(
      `UPDATE message_call_logs SET response_time_ms = response_time_ms + ? WHERE rowid BETWEEN ? AND ? AND operation_type = 'publish'`,
    ),
    first: db.prepare<[number], { rowid: number; id: string; bytes: number }>(
      `SELECT rowid, id, ${BYTES} AS bytes FROM message_call_logs ORDER BY rowid ${LIMIT}`,
    ),
    trim: db.prepare<[number]>('DELETE FROM message_call_logs WHERE rowid <= ?'),
    measure: db.prepare<[], number | null>(`SELECT sum(${BYTES}) FROM message_call_logs`).pluck(),
  }
}

const PAGED: Paged = { table: 'message_call_logs', key: 'rowid', columns: 'rowid, *' }

export class CallReader {
  private readonly db: Database.Database

  constructor(db: Database.Database) {
    this.db = db
  }

  /** Yields between steps. */
  page(query: PageQuery): Generator<void, (CallRow & { rowid: number })[]> {
    return keysetPage(this.db, PAGED, query)
  }
}

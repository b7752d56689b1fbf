import type Database from 'better-sqlite3'
import type { Table } from './table.ts'

/** Calls are marked with their age about once a minute. */
const MARK_EVERY_MS = 60_000

/**
 * `call_times`: the age of calls in running time, which their own table has no column for. A row says that every call of a smaller
 * row number was written before `running_ms`.
 */
export const callTimes: Table = {
  salvage: { call_times: { rows: 'none', why: 'says nothing without the calls' } },
  migrations: [{ step: 5, sql: '\n  CREATE TABLE call_times (call INTEGER PRIMARY KEY, running_ms REAL NOT NULL);' }],
}

/** Knows which calls are older than a running time, to about a minute. All methods run inside a transaction. */
export class CallAges {
  private readonly sql: ReturnType<typeof prepare>
  /** Running time of the last mark; undefined until it is read. */
  private lastMs: number | undefined
  /** Running time of the first mark; undefined until it is read. */
  private firstMs: number | undefined

  constructor(db: Database.Database) {
    this.sql = prepare(db)
  }

  /** The call `row` is written now. */
  inserted(row: number, nowMs: number): void {
    this.lastMs ??= this.sql.last.get()?.running_ms ?? -Infinity
    if (nowMs - this.lastMs >= MARK_EVERY_MS) this.mark(row, nowMs)
  }

  /** Marks the last calls where no other follows them. */
  sweep(nowMs: number): void {
    const last = this.sql.last.get()
    if (last !== undefined && nowMs - last.running_ms < MARK_EVERY_MS) return
    const newest = this.sql.newestCall.get() ?? undefined
    if (newest !== undefined && newest >= (last?.call ?? 0)) this.mark(newest + 1, nowMs)
  }

  /** Row number below which all calls are older than `sinceMs`; 0 where none is. */
  olderThan(sinceMs: number): number {
    this.firstMs ??= this.sql.first.get() ?? Infinity
    return this.firstMs < sinceMs ? (this.sql.below.get(sinceMs) ?? 0) : 0
  }

  /** No call below `row` is left. */
  trimmed(row: number): void {
    // Row numbers begin again in a table that has become empty.
    this.sql.forget.run(this.sql.newestCall.get() === null ? Number.MAX_SAFE_INTEGER : row)
    this.rolledBack()
  }

  rolledBack(): void {
    this.lastMs = undefined
    this.firstMs = undefined
  }

  private mark(call: number, nowMs: number): void {
    this.sql.mark.run(call, nowMs)
    this.lastMs = nowMs
    this.firstMs = undefined
  }
}

function prepare(db: Database.Database) {
  return {
    // An earlier time for the same row says more.
    mark: db.prepare<[number, number]>(
      'INSERT INTO call_times (call, running_ms) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    first: db.prepare<[], number>('SELECT running_ms FROM call_times ORDER BY call LIMIT 1').pluck(),
    last: db.prepare<[], { call: number; running_ms: number }>(
      'SELECT call, running_ms FROM call_times ORDER BY call DESC LIMIT 1',
    ),
    below: db.prepare<[number], number | null>('SELECT max(call) FROM call_times WHERE running_ms < ?').pluck(),
    newestCall: db.prepare<[], number | null>('SELECT max(rowid) FROM message_call_logs').pluck(),
    forget: db.prepare<[number]>('DELETE FROM call_times WHERE call <= ?'),
  }
}

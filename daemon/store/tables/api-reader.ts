import type Database from 'better-sqlite3'
import { keysetPage, type Paged, type PageQuery } from './keyset-page.ts'
import type { CallRow, IdempotencyRow, StatisticsRow, SubscriptionRow } from './registry-rows.ts'

const CALLS: Paged = { table: 'message_call_logs', key: 'rowid', columns: 'rowid, *' }

/** The other tables that the API reads: calls, subscriptions, idempotency keys, statistics. */
export class ApiReader {
  private readonly db: Database.Database
  private readonly key: Database.Statement<[string, string], IdempotencyRow>
  private readonly bucketRows: Database.Statement<[number, number, number], StatisticsRow>
  private readonly bucketRow: Database.Statement<[number, number, string, string], StatisticsRow>

  constructor(db: Database.Database) {
    this.db = db
    this.key = db.prepare<[string, string], IdempotencyRow>(
      'SELECT identity, key, body_hash, answer, wall_ms FROM idempotency WHERE identity = ? AND key = ?',
    )
    const rows = 'SELECT step, bucket, scope, key, body FROM statistics WHERE step = ?'
    this.bucketRows = db.prepare(`${rows} AND bucket BETWEEN ? AND ? ORDER BY bucket`)
    this.bucketRow = db.prepare(`${rows} AND bucket = ? AND scope = ? AND key = ?`)
  }

  /** In steps. */
  calls(query: PageQuery): Generator<void, (CallRow & { rowid: number })[]> {
    return keysetPage(this.db, CALLS, query)
  }

  subscriptions(): SubscriptionRow[] {
    return this.db.prepare<[], SubscriptionRow>('SELECT * FROM subscriptions ORDER BY created_at, id').all()
  }

  idempotency(identity: string, key: string): IdempotencyRow | undefined {
    return this.key.get(identity, key)
  }

  /** Statistics of one step between two buckets, both included; of one subject, or of all. */
  statistics(step: number, from: number, to: number, scope?: string, key?: string): StatisticsRow[] {
    if (scope === undefined || key === undefined) return this.bucketRows.all(step, from, to)
    const rows: StatisticsRow[] = []
    // By its key each row is found at once: between them lie those of hundreds of other subjects.
    for (let bucket = from; bucket <= to; bucket += step) {
      const row = this.bucketRow.get(step, bucket, scope, key)
      if (row !== undefined) rows.push(row)
    }
    return rows
  }
}

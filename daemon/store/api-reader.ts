import type Database from 'better-sqlite3'
import { keysetPage, type PageQuery } from './keyset-page.ts'
import type { CallRow, IdempotencyRow, StatisticsRow, SubscriptionRow } from './registry-rows.ts'

/** The other tables that the API reads: calls, subscriptions, idempotency keys, statistics. */
export class ApiReader {
  private readonly db: Database.Database
  private readonly key: Database.Statement<[string, string], IdempotencyRow>

  constructor(db: Database.Database) {
    this.db = db
    this.key = db.prepare<[string, string], IdempotencyRow>(
      'SELECT identity, key, body_hash, answer, wall_ms FROM idempotency WHERE identity = ? AND key = ?',
    )
  }

  calls(query: PageQuery): (CallRow & { rowid: number })[] {
    return keysetPage<CallRow & { rowid: number }>(this.db, 'SELECT rowid, * FROM message_call_logs', 'rowid', query)
  }

  subscriptions(): SubscriptionRow[] {
    return this.db.prepare<[], SubscriptionRow>('SELECT * FROM subscriptions ORDER BY created_at, id').all()
  }

  idempotency(identity: string, key: string): IdempotencyRow | undefined {
    return this.key.get(identity, key)
  }

  /** Statistics of one step between two buckets, both included. */
  statistics(step: number, from: number, to: number, scope?: string, key?: string): StatisticsRow[] {
    const more = `${scope === undefined ? '' : ' AND scope = ?'}${key === undefined ? '' : ' AND key = ?'}`
    const values = [step, from, to, ...(scope === undefined ? [] : [scope]), ...(key === undefined ? [] : [key])]
    return this.db
      .prepare<(string | number)[], StatisticsRow>(
        `SELECT step, bucket, scope, key, body FROM statistics WHERE step = ? AND bucket BETWEEN ? AND ?${more} ORDER BY bucket`,
      )
      .all(...values)
  }
}

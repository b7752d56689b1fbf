import type Database from 'better-sqlite3'
import { prepareUpsert, type Table } from './table.ts'

/** A callback that messages of a channel are posted to. */
export interface SubscriptionRow {
  id: string
  channel_id: string
  callback_url: string
  secret: string
  created_at: string
  /** message-id of the last message that was delivered. */
  last_id: string | null
  delivered: number
  state: 'active' | 'retrying' | 'disabled'
  reason: string | null
  failing_since: string | null
  /** Running time of `failing_since`, in milliseconds; null where it was not measured yet. */
  failing_running_ms: number | null
}

export type SubscriptionOp =
  | { type: 'subscription'; row: SubscriptionRow }
  | { type: 'subscription-delete'; id: string }

export const subscriptions: Table = {
  salvage: { subscriptions: { rows: 'from-both-ends', key: 'id' } },
  migrations: [
    {
      step: 1,
      rank: 2,
      sql: `
  CREATE TABLE subscriptions (
    id TEXT PRIMARY KEY, channel_id TEXT NOT NULL, callback_url TEXT NOT NULL, secret TEXT NOT NULL, created_at TEXT NOT NULL, last_id TEXT,
    delivered INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL, reason TEXT, failing_since TEXT) WITHOUT ROWID;`,
    },
    { step: 5, sql: '\n  ALTER TABLE subscriptions ADD COLUMN failing_running_ms REAL;' },
  ],
}

export class SubscriptionWriter {
  private readonly upsertRow: Database.Statement<[SubscriptionRow]>
  private readonly deleteRow: Database.Statement<[string]>

  constructor(db: Database.Database) {
    this.upsertRow = prepareUpsert(db, 'subscriptions')
    this.deleteRow = db.prepare('DELETE FROM subscriptions WHERE id = ?')
  }

  apply(op: SubscriptionOp): void {
    if (op.type === 'subscription') this.upsertRow.run(op.row)
    else this.deleteRow.run(op.id)
  }
}

export function readSubscriptions(db: Database.Database): SubscriptionRow[] {
  return db.prepare<[], SubscriptionRow>('SELECT * FROM subscriptions ORDER BY created_at, id').all()
}

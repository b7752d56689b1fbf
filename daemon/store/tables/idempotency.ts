import type Database from 'better-sqlite3'
import { prepareUpsert, type Table } from './table.ts'

/** The answer to a publication that named an idempotency key. */
export interface IdempotencyRow {
  identity: string
  key: string
  body_hash: string
  /** JSON. */
  answer: string
  wall_ms: number
}

export type IdempotencyOp = { type: 'idempotency'; row: IdempotencyRow }

export const idempotency: Table = {
  salvage: { idempotency: { rows: 'from-both-ends', key: 'identity, key' } },
  migrations: [
    {
      step: 1,
      rank: 2,
      sql: `
  CREATE TABLE idempotency (
    identity TEXT NOT NULL, key TEXT NOT NULL, body_hash TEXT NOT NULL, answer TEXT NOT NULL, wall_ms REAL NOT NULL, PRIMARY KEY (identity, key)) WITHOUT ROWID;
  CREATE INDEX idempotency_by_time ON idempotency (wall_ms);`,
    },
  ],
}

const MAX_AGE_MS = 24 * 3_600_000
const MAX_ROWS = 100_000

/** Keeps keys for a day, and at most `MAX_ROWS` of them: the oldest go first. */
export class IdempotencyWriter {
  private readonly upsertRow: Database.Statement<[IdempotencyRow]>
  private readonly deleteOld: Database.Statement<[number]>
  private readonly deleteSurplus: Database.Statement<[number]>

  constructor(db: Database.Database) {
    this.upsertRow = prepareUpsert(db, 'idempotency')
    this.deleteOld = db.prepare<[number]>('DELETE FROM idempotency WHERE wall_ms < ?')
    this.deleteSurplus = db.prepare<[number]>(
      'DELETE FROM idempotency WHERE wall_ms < (SELECT wall_ms FROM idempotency ORDER BY wall_ms DESC LIMIT 1 OFFSET ?)',
    )
  }

  upsert({ row }: IdempotencyOp): void {
    this.upsertRow.run(row)
  }

  /** Inside a transaction. */
  trim(wallMs: number): void {
    this.deleteOld.run(wallMs - MAX_AGE_MS)
    this.deleteSurplus.run(MAX_ROWS - 1)
  }
}

export class IdempotencyReader {
  private readonly row: Database.Statement<[string, string], IdempotencyRow>

  constructor(db: Database.Database) {
    this.row = db.prepare(
      'SELECT identity, key, body_hash, answer, wall_ms FROM idempotency WHERE identity = ? AND key = ?',
    )
  }

  lookUp(identity: string, key: string): IdempotencyRow | undefined {
    return this.row.get(identity, key)
  }
}

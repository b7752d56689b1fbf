import type Database from 'better-sqlite3'
import { prepareUpsert, type Table } from './table.ts'

/** The answer to a publication that named an idempotency key. */
export interface IdempotencyRow {
  identity: string
  key: string
  body_hash: string
  /** JSON. */
  answer: string
  /** Running time, in milliseconds: a step of the wall clock makes no key old. */
  running_ms: number
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
    {
      step: 5,
      sql: `
  DROP INDEX idempotency_by_time;
  ALTER TABLE idempotency DROP COLUMN wall_ms;
  ALTER TABLE idempotency ADD COLUMN running_ms REAL NOT NULL DEFAULT 0;
  UPDATE idempotency SET running_ms = (SELECT running_ms FROM state);
  CREATE INDEX idempotency_by_age ON idempotency (running_ms);`,
    },
  ],
}

/** Lifetime of a key. */
export const IDEMPOTENCY_MS = 24 * 3_600_000
const MAX_ROWS = 100_000

/** Keeps keys for a day, and at most `MAX_ROWS` of them: the oldest go first. */
export class IdempotencyWriter {
  private readonly upsertRow: Database.Statement<[IdempotencyRow]>
  private readonly deleteOld: Database.Statement<[number]>
  private readonly deleteSurplus: Database.Statement<[number]>

  constructor(db: Database.Database) {
    this.upsertRow = prepareUpsert(db, 'idempotency')
    this.deleteOld = db.prepare<[number]>('DELETE FROM idempotency WHERE running_ms < ?')
    this.deleteSurplus = db.prepare<[number]>(
      'DELETE FROM idempotency WHERE running_ms < (SELECT running_ms FROM idempotency ORDER BY running_ms DESC LIMIT 1 OFFSET ?)',
    )
  }

  upsert({ row }: IdempotencyOp): void {
    this.upsertRow.run(row)
  }

  /** Inside a transaction. */
  trim(runningMs: number): void {
    this.deleteOld.run(runningMs - IDEMPOTENCY_MS)
    this.deleteSurplus.run(MAX_ROWS - 1)
  }
}

export class IdempotencyReader {
  private readonly row: Database.Statement<[string, string], IdempotencyRow>

  constructor(db: Database.Database) {
    this.row = db.prepare(
      'SELECT identity, key, body_hash, answer, running_ms FROM idempotency WHERE identity = ? AND key = ?',
    )
  }

  lookUp(identity: string, key: string): IdempotencyRow | undefined {
    return this.row.get(identity, key)
  }
}

import type Database from 'better-sqlite3'
import type { Table } from './table.ts'

export interface RetainedRow {
  topic: string
  payload: Uint8Array
  qos: number
}

/** The retained message of a topic. */
export type RetainedOp = { type: 'retain'; row: RetainedRow } | { type: 'retain-delete'; topic: string }

export const retained: Table = {
  salvage: { retained: { rows: 'from-both-ends', key: 'topic' } },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE retained (topic TEXT PRIMARY KEY, payload BLOB NOT NULL, qos INTEGER NOT NULL) WITHOUT ROWID;`,
    },
  ],
}

export class RetainedWriter {
  private readonly upsertRow: Database.Statement<[string, Uint8Array, number]>
  private readonly deleteRow: Database.Statement<[string]>

  constructor(db: Database.Database) {
    this.upsertRow = db.prepare(
      'INSERT INTO retained (topic, payload, qos) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET payload = excluded.payload, qos = excluded.qos',
    )
    this.deleteRow = db.prepare('DELETE FROM retained WHERE topic = ?')
  }

  apply(op: RetainedOp): void {
    if (op.type === 'retain') this.upsertRow.run(op.row.topic, op.row.payload, op.row.qos)
    else this.deleteRow.run(op.topic)
  }
}

export function readRetained(db: Database.Database): (RetainedRow & { payload: Buffer })[] {
  return db.prepare<[], RetainedRow & { payload: Buffer }>('SELECT topic, payload, qos FROM retained').all()
}

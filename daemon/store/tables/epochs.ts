import type Database from 'better-sqlite3'
import type { Table } from './table.ts'

/** A span of sequence numbers that no other store has given out; `store_id` stands in the ids of its messages. */
export interface EpochRow {
  id: number
  store_id: string
  gateway: string
  machine: string
}

export const epochs: Table = {
  salvage: { epochs: { rows: 'by-number', key: 'id' } },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE epochs (id INTEGER PRIMARY KEY AUTOINCREMENT, store_id TEXT NOT NULL, gateway TEXT NOT NULL, machine TEXT NOT NULL, created_at TEXT NOT NULL);`,
    },
  ],
}

export function lastEpoch(db: Database.Database): EpochRow | undefined {
  return db.prepare<[], EpochRow>('SELECT id, store_id, gateway, machine FROM epochs ORDER BY id DESC LIMIT 1').get()
}

export function insertEpoch(db: Database.Database, row: Omit<EpochRow, 'id'>, createdAt: string): EpochRow {
  const id = db
    .prepare('INSERT INTO epochs (store_id, gateway, machine, created_at) VALUES (?, ?, ?, ?)')
    .run(row.store_id, row.gateway, row.machine, createdAt).lastInsertRowid
  return { id: Number(id), ...row }
}

type IdParts = Pick<EpochRow, 'store_id' | 'gateway'>

/** Reads the prefix of an epoch's message ids, which the sequence number follows: `<gateway id>:<store id>:`. */
export class EpochReader {
  private readonly one: Database.Statement<[number], IdParts>
  private readonly every: Database.Statement<[], IdParts>

  constructor(db: Database.Database) {
    this.one = db.prepare('SELECT store_id, gateway FROM epochs WHERE id = ?')
    this.every = db.prepare('SELECT store_id, gateway FROM epochs')
  }

  messageIdPrefix(epoch: number): string | undefined {
    const row = this.one.get(epoch)
    return row === undefined ? undefined : messageIdPrefix(row)
  }

  messageIdPrefixes(): string[] {
    return this.every.all().map(messageIdPrefix)
  }
}

export function messageIdPrefix({ gateway, store_id: storeId }: IdParts): string {
  return `${gateway}:${storeId}:`
}

import type Database from 'better-sqlite3'
import { keysetPage, type Paged, type PageQuery, selectFrom } from './keyset-page.ts'
import type { Table } from './table.ts'

export interface QuarantineInput {
  /** Given by the main thread, always going up. */
  id: number
  topic: string
  clientId: string
  payload: Uint8Array
  headers: string
  qos: number
  code: string
  /** JSON of the violations. */
  errors: string
  document: string
  message: string
  wallMs: number
  /** Whether the clock was synchronised. */
  synced: boolean
}

export interface QuarantineRow {
  id: number
  topic: string
  client_id: string
  payload: Buffer
  headers: string
  qos: number
  code: string
  /** JSON of the violations. */
  errors: string
  document: string
  message: string
  wall_ms: number
  /** 1 where the clock was synchronised. */
  synced: number
}

export type QuarantineOp =
  | { type: 'quarantine'; row: QuarantineInput }
  /** The message was published after all, or is no longer wanted. */
  | { type: 'quarantine-delete'; id: number }

export const quarantine: Table = {
  salvage: { quarantine: { rows: 'by-number', key: 'id' } },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, client_id TEXT NOT NULL, payload BLOB NOT NULL, headers TEXT NOT NULL, qos INTEGER NOT NULL,
    code TEXT NOT NULL, errors TEXT NOT NULL, document TEXT NOT NULL, message TEXT NOT NULL, wall_ms REAL NOT NULL);`,
    },
    { step: 5, sql: '\n  ALTER TABLE quarantine ADD COLUMN synced INTEGER NOT NULL DEFAULT 1;' },
  ],
}

export class QuarantineWriter {
  private readonly insertRow: Database.Statement
  private readonly deleteRow: Database.Statement<[number]>

  constructor(db: Database.Database) {
    this.insertRow = db.prepare(
      'INSERT INTO quarantine (id, topic, client_id, payload, headers, qos, code, errors, document, message, wall_ms, synced) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.deleteRow = db.prepare('DELETE FROM quarantine WHERE id = ?')
  }

  insert(row: QuarantineInput): void {
    this.insertRow.run(
      row.id,
      row.topic,
      row.clientId,
      row.payload,
      row.headers,
      row.qos,
      row.code,
      row.errors,
      row.document,
      row.message,
      row.wallMs,
      row.synced ? 1 : 0,
    )
  }

  delete(id: number): void {
    this.deleteRow.run(id)
  }
}

const PAGED: Paged = {
  table: 'quarantine',
  key: 'id',
  columns: 'id, topic, client_id, payload, headers, qos, code, errors, document, message, wall_ms, synced',
}

export class QuarantineReader {
  private readonly db: Database.Database

  constructor(db: Database.Database) {
    this.db = db
  }

  /** Yields between steps. */
  page(query: PageQuery): Generator<void, QuarantineRow[]> {
    return keysetPage(this.db, PAGED, query)
  }

  lookUp(id: number): QuarantineRow | undefined {
    return this.db.prepare<[number], QuarantineRow>(`${selectFrom(PAGED)} WHERE id = ?`).get(id)
  }
}

/** The last id that was ever given out, also where its row is gone. */
export function lastQuarantineId(db: Database.Database): number {
  return db.prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'quarantine'").pluck().get() ?? 0
}

const MiB = 1024 ** 2
const MAX_ROWS = 10_000
const MAX_BYTES = 64 * MiB
/** Rows that are deleted at a time once there are too many bytes. */
const STEP = 16

/** Keeps refused messages from crowding out good ones: bounds their number and bytes, and deletes the oldest first. */
export class QuarantineCap {
  private readonly maxRows: number
  private readonly sum: Database.Statement<[], number | null>
  private readonly surplus: Database.Statement<[number]>
  private readonly oldest: Database.Statement<[number]>
  private bytes: number | undefined

  constructor(db: Database.Database, maxRows = MAX_ROWS) {
    this.maxRows = maxRows
    this.sum = db
      .prepare<[], number | null>(
        'SELECT sum(64 + length(payload) + octet_length(errors) + octet_length(headers)) FROM quarantine',
      )
      .pluck()
    this.surplus = db.prepare<[number]>('DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?')
    this.oldest = db.prepare<[number]>(
      'DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine ORDER BY id LIMIT ?)',
    )
  }

  added(bytes: number): void {
    if (this.bytes !== undefined) this.bytes += bytes
  }

  /** Inside a transaction. */
  trim(maxStoreBytes: number): void {
    this.surplus.run(this.maxRows)
    const limit = Math.min(MAX_BYTES, maxStoreBytes / 16)
    if (this.bytes !== undefined && this.bytes <= limit) return
    // The running count is only an upper bound: rows are also discarded by hand.
    for (this.bytes = this.sum.get() ?? 0; this.bytes > limit; this.bytes = this.sum.get() ?? 0) this.oldest.run(STEP)
  }

  rolledBack(): void {
    this.bytes = undefined
  }
}

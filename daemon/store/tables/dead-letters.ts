import type Database from 'better-sqlite3'
import { keysetPage, type Paged, type PageQuery, selectFrom } from './keyset-page.ts'
import type { Table } from './table.ts'

export interface DeadLetterInput {
  seq: number
  messageId: string
  topic: string
  address: string
  clientId: string
  code: string
  answer: string
  headers: string
  payload: Uint8Array
  wallMs: number
}

export interface DeadLetterRow {
  id: number
  destination: string
  seq: number
  message_id: string
  topic: string
  address: string
  client_id: string
  code: string
  answer: string
  /** JSON. */
  headers: string
  payload: Buffer
  wall_ms: number
}

/** The letter was sent again, or is no longer wanted. */
export type DeadLetterOp = { type: 'dead-letter-delete'; id: number }

export const deadLetters: Table = {
  salvage: { dead_letters: { rows: 'by-number', key: 'id' } },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, seq INTEGER NOT NULL, message_id TEXT NOT NULL, topic TEXT NOT NULL,
    address TEXT NOT NULL, client_id TEXT NOT NULL, code TEXT NOT NULL, answer TEXT NOT NULL, headers TEXT NOT NULL, payload BLOB NOT NULL, wall_ms REAL NOT NULL,
    UNIQUE (destination, seq));`,
    },
  ],
}

export class DeadLetterWriter {
  private readonly insertLetter: Database.Statement
  private readonly deleteLetter: Database.Statement<[number]>

  constructor(db: Database.Database) {
    this.insertLetter =
      db.prepare(`INSERT INTO dead_letters (destination, seq, message_id, topic, address, client_id, code, answer, headers, payload, wall_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
    this.deleteLetter = db.prepare('DELETE FROM dead_letters WHERE id = ?')
  }

  insert(destination: string, letter: DeadLetterInput): void {
    this.insertLetter.run(
      destination,
      letter.seq,
      letter.messageId,
      letter.topic,
      letter.address,
      letter.clientId,
      letter.code,
      letter.answer,
      letter.headers,
      letter.payload,
      letter.wallMs,
    )
  }

  delete({ id }: DeadLetterOp): void {
    this.deleteLetter.run(id)
  }
}

const PAGED: Paged = {
  table: 'dead_letters',
  key: 'id',
  columns: 'id, destination, seq, message_id, topic, address, client_id, code, answer, headers, payload, wall_ms',
}

export class DeadLetterReader {
  private readonly db: Database.Database

  constructor(db: Database.Database) {
    this.db = db
  }

  /** Yields between steps. */
  page(query: PageQuery): Generator<void, DeadLetterRow[]> {
    return keysetPage(this.db, PAGED, query)
  }

  lookUp(id: number): DeadLetterRow | undefined {
    return this.db.prepare<[number], DeadLetterRow>(`${selectFrom(PAGED)} WHERE id = ?`).get(id)
  }

  /** Letters with a higher id, oldest first. */
  after(id: number, limit: number): DeadLetterRow[] {
    return this.db
      .prepare<[number, number], DeadLetterRow>(`${selectFrom(PAGED)} WHERE id > ? ORDER BY id LIMIT ?`)
      .all(id, limit)
  }

  lastId(): number {
    return this.db.prepare<[], number>('SELECT ifnull(max(id), 0) FROM dead_letters').pluck().get() ?? 0
  }
}

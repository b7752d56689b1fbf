import type Database from 'better-sqlite3'
import { keysetPage, type Paged, type PageQuery, selectFrom } from './keyset-page.ts'

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

const QUARANTINE: Paged = {
  table: 'quarantine',
  key: 'id',
  columns: 'id, topic, client_id, payload, headers, qos, code, errors, document, message, wall_ms',
}
const DEAD_LETTERS: Paged = {
  table: 'dead_letters',
  key: 'id',
  columns: 'id, destination, seq, message_id, topic, address, client_id, code, answer, headers, payload, wall_ms',
}

/** Quarantine and dead letters, for the main thread. */
export class RefusedReader {
  private readonly db: Database.Database

  constructor(db: Database.Database) {
    this.db = db
  }

  /** In steps. */
  quarantine(query: PageQuery): Generator<void, QuarantineRow[]> {
    return keysetPage(this.db, QUARANTINE, query)
  }

  quarantined(id: number): QuarantineRow | undefined {
    return this.db.prepare<[number], QuarantineRow>(`${selectFrom(QUARANTINE)} WHERE id = ?`).get(id)
  }

  /** In steps. */
  deadLetters(query: PageQuery): Generator<void, DeadLetterRow[]> {
    return keysetPage(this.db, DEAD_LETTERS, query)
  }

  deadLetter(id: number): DeadLetterRow | undefined {
    return this.db.prepare<[number], DeadLetterRow>(`${selectFrom(DEAD_LETTERS)} WHERE id = ?`).get(id)
  }

  /** Those that have come since, oldest first. */
  deadLettersAfter(id: number, limit: number): DeadLetterRow[] {
    return this.db
      .prepare<[number, number], DeadLetterRow>(`${selectFrom(DEAD_LETTERS)} WHERE id > ? ORDER BY id LIMIT ?`)
      .all(id, limit)
  }

  lastDeadLetterId(): number {
    return this.db.prepare<[], number>('SELECT ifnull(max(id), 0) FROM dead_letters').pluck().get() ?? 0
  }
}

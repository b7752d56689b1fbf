import type Database from 'better-sqlite3'
import { keysetPage, type PageQuery } from './keyset-page.ts'

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

const QUARANTINE =
  'SELECT id, topic, client_id, payload, headers, qos, code, errors, document, message, wall_ms FROM quarantine'
const DEAD_LETTERS =
  'SELECT id, destination, seq, message_id, topic, address, client_id, code, answer, headers, payload, wall_ms FROM dead_letters'

/** Quarantine and dead letters, for the main thread. */
export class RefusedReader {
  private readonly db: Database.Database

  constructor(db: Database.Database) {
    this.db = db
  }

  quarantine(query: PageQuery): QuarantineRow[] {
    return keysetPage<QuarantineRow>(this.db, QUARANTINE, 'id', query)
  }

  quarantined(id: number): QuarantineRow | undefined {
    return this.db.prepare<[number], QuarantineRow>(`${QUARANTINE} WHERE id = ?`).get(id)
  }

  deadLetters(query: PageQuery): DeadLetterRow[] {
    return keysetPage<DeadLetterRow>(this.db, DEAD_LETTERS, 'id', query)
  }

  deadLetter(id: number): DeadLetterRow | undefined {
    return this.db.prepare<[number], DeadLetterRow>(`${DEAD_LETTERS} WHERE id = ?`).get(id)
  }

  /** Those that have come since, oldest first. */
  deadLettersAfter(id: number, limit: number): DeadLetterRow[] {
    return this.db
      .prepare<[number, number], DeadLetterRow>(`${DEAD_LETTERS} WHERE id > ? ORDER BY id LIMIT ?`)
      .all(id, limit)
  }

  lastDeadLetterId(): number {
    return this.db.prepare<[], number>('SELECT ifnull(max(id), 0) FROM dead_letters').pluck().get() ?? 0
  }
}

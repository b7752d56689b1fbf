import type Database from 'better-sqlite3'
import { asBuffer } from '../../core/bytes.ts'
import { decodeRecord } from '../log/record.ts'
import { LIMIT } from '../sqlite.ts'
import { ALL_TARGETS, REPLAY_ROUTE, type DeliveryKey } from './held.ts'
import { keysetPage, type Paged, type PageQuery, selectFrom } from './keyset-page.ts'
import { isWholeNumber, type Table } from './table.ts'

/** A delivery that its destination has refused for good. */
export interface DeadLetterInput extends DeliveryKey {
  messageId: string
  topic: string
  address: string
  clientId: string
  code: string
  answer: string
  epoch: number
  boot: number
  /** The encoded record, checksum included, to be sent again. */
  record: Uint8Array
  /** When the message was received. */
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
  /** False for letters of earlier versions, which do not know their target. */
  is_replayable: boolean
}

export type DeadLetterOp =
  /** The letter is no longer wanted. */
  | { type: 'dead-letter-delete'; id: number }
  /** The letter becomes a held delivery that is sent at once, to the target that refused it. */
  | { type: 'dead-letter-replay'; id: number; runningMs: number; wallMs: number }

export const deadLetters: Table = {
  salvage: {
    dead_letters: {
      rows: 'by-number',
      key: 'id',
      sound: `typeof(code) = 'text' AND ${isWholeNumber('seq')} AND typeof(target) = 'integer'`,
    },
  },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, seq INTEGER NOT NULL, message_id TEXT NOT NULL, topic TEXT NOT NULL,
    address TEXT NOT NULL, client_id TEXT NOT NULL, code TEXT NOT NULL, answer TEXT NOT NULL, headers TEXT NOT NULL, payload BLOB NOT NULL, wall_ms REAL NOT NULL,
    UNIQUE (destination, seq));`,
    },
    {
      // Letters of earlier versions have no record; their headers and payload stand in columns.
      step: 5,
      sql: `
  ALTER TABLE dead_letters RENAME TO dead_messages;
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, seq INTEGER NOT NULL, target INTEGER NOT NULL, message_id TEXT NOT NULL,
    topic TEXT NOT NULL, address TEXT NOT NULL, client_id TEXT NOT NULL, code TEXT NOT NULL, answer TEXT NOT NULL, headers TEXT NOT NULL DEFAULT '',
    payload BLOB NOT NULL DEFAULT x'', wall_ms REAL NOT NULL, lane TEXT, epoch INTEGER, boot INTEGER, record BLOB,
    UNIQUE (destination, seq, target));
  INSERT INTO dead_letters (id, destination, seq, target, message_id, topic, address, client_id, code, answer, headers, payload, wall_ms)
    SELECT id, destination, seq, ${ALL_TARGETS}, message_id, topic, address, client_id, code, answer, headers, payload, wall_ms FROM dead_messages;
  DELETE FROM sqlite_sequence WHERE name = 'dead_letters';
  UPDATE sqlite_sequence SET name = 'dead_letters' WHERE name = 'dead_messages';
  DROP TABLE dead_messages;`,
    },
  ],
}

export class DeadLetterWriter {
  private readonly insertLetter: Database.Statement
  private readonly deleteLetter: Database.Statement<[number]>
  private readonly holdLetter: Database.Statement<[string, number, number, number]>

  constructor(db: Database.Database) {
    this.insertLetter = db.prepare(
      `INSERT INTO dead_letters (destination, seq, target, message_id, topic, address, client_id, code, answer, wall_ms, lane, epoch, boot, record)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.deleteLetter = db.prepare('DELETE FROM dead_letters WHERE id = ?')
    this.holdLetter = db.prepare(
      `INSERT INTO held (destination, seq, target, lane, route, epoch, boot, since_running_ms, record, replayed_ms)
       SELECT destination, seq, target, lane, ?, epoch, boot, ?, record, ? FROM dead_letters WHERE id = ? AND record IS NOT NULL
       ON CONFLICT DO NOTHING`,
    )
  }

  insert(destination: string, lane: string, letter: DeadLetterInput): void {
    const { seq, target, messageId, topic, address, clientId, code, answer, wallMs, epoch, boot, record } = letter
    this.insertLetter.run(
      destination,
      seq,
      target,
      messageId,
      topic,
      address,
      clientId,
      code,
      answer,
      wallMs,
      lane,
      epoch,
      boot,
      record,
    )
  }

  apply(op: DeadLetterOp): void {
    if (op.type === 'dead-letter-replay') this.holdLetter.run(REPLAY_ROUTE, op.runningMs, op.wallMs, op.id)
    this.deleteLetter.run(op.id)
  }
}

const PAGED: Paged = {
  table: 'dead_letters',
  key: 'id',
  columns:
    'id, destination, seq, message_id, topic, address, client_id, code, answer, headers, payload, wall_ms, record',
}

interface StoredLetter extends Omit<DeadLetterRow, 'is_replayable'> {
  record: Buffer | null
}

export class DeadLetterReader {
  private readonly db: Database.Database

  constructor(db: Database.Database) {
    this.db = db
  }

  /** Yields between steps. */
  *page(query: PageQuery): Generator<void, DeadLetterRow[]> {
    const rows: StoredLetter[] = yield* keysetPage<StoredLetter>(this.db, PAGED, query)
    return rows.map(letterOf)
  }

  lookUp(id: number): DeadLetterRow | undefined {
    const row = this.db.prepare<[number], StoredLetter>(`${selectFrom(PAGED)} WHERE id = ?`).get(id)
    return row === undefined ? undefined : letterOf(row)
  }

  /** Letters with a higher id, oldest first. */
  after(id: number, limit: number): DeadLetterRow[] {
    return this.db
      .prepare<[number, number], StoredLetter>(`${selectFrom(PAGED)} WHERE id > ? ORDER BY id ${LIMIT}`)
      .all(id, limit)
      .map(letterOf)
  }

  lastId(): number {
    return this.db.prepare<[], number>('SELECT ifnull(max(id), 0) FROM dead_letters').pluck().get() ?? 0
  }
}

/** Reads headers and payload from the record, if the letter has one that is sound. */
function letterOf({ record, ...row }: StoredLetter): DeadLetterRow {
  const decoded = record === null ? undefined : decodeRecord(record, 0, record.length)
  if (decoded === undefined) return { ...row, is_replayable: false }
  return { ...row, headers: decoded.headers, payload: asBuffer(decoded.payload), is_replayable: true }
}

import type Database from 'better-sqlite3'
import type { Lane } from '../../core/message.ts'
import { decodeBlock } from '../log/record.ts'
import { SettledSet } from '../log/settled-set.ts'
import { DeadLetterWriter, type DeadLetterInput } from './dead-letters.ts'
import { HeldWriter, type DeliveryKey, type HeldInput } from './held.ts'
import { readStreams } from './streams.ts'
import { isJsonArray, isWholeNumber, type Table } from './table.ts'

/** Counts of a destination on one lane. All of them only go up, so that a report may be repeated. */
export interface CursorCounts {
  /** Messages of the log that need no more work, for whatever reason; `settledBytes` are the bytes of their records. */
  settled: number
  settledBytes: number
  /** These count deliveries: a message has as many as it has targets here. */
  delivered: number
  expired: number
  dropped: number
  dead: number
}

/** How far a destination has come on one lane: everything below `low` is settled, and so are the ranges above it. */
export interface CursorRow extends CursorCounts {
  destination: string
  lane: Lane
  low: number
  ranges: [number, number][]
}

/** A destination's report of its progress. Its numbers are absolute, so that the writer may see it twice. */
export interface Settlement {
  number: number
  cursor: CursorRow
  deadLetters: DeadLetterInput[]
  held: HeldInput[]
  /** Deliveries that leave the held table; a delivery that is in `held` too changes its route. */
  released: DeliveryKey[]
  /** Messages that were settled without being delivered, dead letters aside. */
  lost?: LostRange[]
}

/** Messages that a destination will not get on one lane, both ends included. */
export interface LostRange {
  from: number
  to: number
  fate: 'expired' | 'dropped'
}

export const cursors: Table = {
  salvage: {
    cursors: {
      rows: 'from-both-ends',
      key: 'destination, lane',
      sound: `${isWholeNumber('low')} AND ${isJsonArray('ranges')}`,
    },
  },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE cursors (
    destination TEXT NOT NULL, lane TEXT NOT NULL, low INTEGER NOT NULL, ranges TEXT NOT NULL DEFAULT '[]',
    settled INTEGER NOT NULL DEFAULT 0, settled_bytes INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER NOT NULL DEFAULT 0, expired INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (destination, lane)) WITHOUT ROWID;`,
    },
  ],
  conclude: (_source, target) => recountSettled(target),
}

/** Writes settlements, and holds the cursors as last committed. A report that is older than a known one changes nothing. */
export class Cursors {
  private readonly rows = new Map<string, CursorRow>()
  private readonly save: Database.Statement
  private readonly deadLetters: DeadLetterWriter
  private readonly held: HeldWriter

  constructor(db: Database.Database) {
    this.save =
      db.prepare(`INSERT INTO cursors (destination, lane, low, ranges, settled, settled_bytes, delivered, expired, dropped, dead) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET low = excluded.low, ranges = excluded.ranges, settled = excluded.settled, settled_bytes = excluded.settled_bytes,
        delivered = excluded.delivered, expired = excluded.expired, dropped = excluded.dropped, dead = excluded.dead
      WHERE excluded.low > low OR (excluded.low = low AND excluded.settled >= settled)`)
    this.deadLetters = new DeadLetterWriter(db)
    this.held = new HeldWriter(db)
    for (const row of readCursors(db)) this.rows.set(`${row.destination}/${row.lane}`, row)
  }

  all(): Iterable<CursorRow> {
    return this.rows.values()
  }

  get(destination: string, lane: Lane): CursorRow | undefined {
    return this.rows.get(`${destination}/${lane}`)
  }

  /** Inside a transaction. */
  write({ cursor, deadLetters, held, released }: Settlement): void {
    const { destination, lane, low, ranges, settled, settledBytes, delivered, expired, dropped, dead } = cursor
    this.save.run(
      destination,
      lane,
      low,
      JSON.stringify(ranges),
      settled,
      settledBytes,
      delivered,
      expired,
      dropped,
      dead,
    )
    for (const key of released) this.held.release(destination, key)
    for (const letter of deadLetters) this.deadLetters.insert(destination, lane, letter)
    for (const one of held) this.held.hold(destination, lane, one)
  }

  /** The transaction that wrote the cursor is durable. */
  committed(cursor: CursorRow): void {
    const known = this.get(cursor.destination, cursor.lane)
    if (known === undefined || cursor.low > known.low || (cursor.low === known.low && cursor.settled >= known.settled))
      this.rows.set(`${cursor.destination}/${cursor.lane}`, cursor)
  }

  forget(destination: string): void {
    for (const [key, row] of this.rows) if (row.destination === destination) this.rows.delete(key)
  }
}

interface CursorDbRow extends Omit<CursorRow, 'ranges' | 'lane'> {
  lane: string
  ranges: string
}

export function readCursors(db: Database.Database): CursorRow[] {
  const rows = db
    .prepare<[], CursorDbRow>(
      'SELECT destination, lane, low, ranges, settled, settled_bytes AS settledBytes, delivered, expired, dropped, dead FROM cursors',
    )
    .all()
  return rows.map((row) => ({ ...row, lane: row.lane as Lane, ranges: JSON.parse(row.ranges) as [number, number][] }))
}

/** Counts lost messages as settled: the backlog is written less settled, and they must not stay in it for ever. */
function recountSettled(target: Database.Database): void {
  const save = target.prepare('UPDATE cursors SET settled = ?, settled_bytes = ? WHERE destination = ? AND lane = ?')
  const streams = readStreams(target)
  const written = target.prepare<[number], { messages: number; bytes: number }>(
    'SELECT messages, bytes FROM streams WHERE id = ?',
  )
  const bodies = target.prepare<[number, number], { id: number; body: Buffer }>(
    'SELECT id, body FROM blocks WHERE stream = ? AND last_seq >= ? ORDER BY id',
  )
  for (const cursor of readCursors(target)) {
    const done = new SettledSet(cursor.low, cursor.ranges)
    let messages = 0
    let bytes = 0
    for (const stream of streams) {
      if (stream.lane !== cursor.lane || !stream.destinations.includes(cursor.destination)) continue
      const total = written.get(stream.id)
      messages += total?.messages ?? 0
      bytes += total?.bytes ?? 0
      for (const { body } of bodies.iterate(stream.id, cursor.low)) {
        for (const record of decodeBlock(body).records) {
          if (done.has(record.seq)) continue
          messages--
          bytes -= record.end - record.start
        }
      }
    }
    save.run(messages, bytes, cursor.destination, cursor.lane)
  }
}

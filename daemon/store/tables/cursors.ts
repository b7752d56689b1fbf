import type Database from 'better-sqlite3'
import type { Lane } from '../../core/message.ts'
import type { CursorRow, Settlement } from '../log/batch.ts'

interface CursorDbRow extends Omit<CursorRow, 'ranges' | 'lane'> {
  lane: string
  ranges: string
}

/** The cursors of every destination that still has any, as last committed. A report that is older than what is known changes nothing. */
export class Cursors {
  private readonly rows = new Map<string, CursorRow>()
  private readonly save: Database.Statement
  private readonly bury: Database.Statement
  private readonly hold: Database.Statement
  private readonly release: Database.Statement

  constructor(db: Database.Database) {
    this.save =
      db.prepare(`INSERT INTO cursors (destination, lane, low, ranges, settled, settled_bytes, delivered, expired, dropped, dead) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET low = excluded.low, ranges = excluded.ranges, settled = excluded.settled, settled_bytes = excluded.settled_bytes,
        delivered = excluded.delivered, expired = excluded.expired, dropped = excluded.dropped, dead = excluded.dead
      WHERE excluded.low > low OR (excluded.low = low AND excluded.settled >= settled)`)
    this.bury =
      db.prepare(`INSERT INTO dead_letters (destination, seq, message_id, topic, address, client_id, code, answer, headers, payload, wall_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
    this.hold = db.prepare(
      `INSERT INTO held (destination, seq, lane, route, epoch, boot, since_running_ms, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.release = db.prepare('DELETE FROM held WHERE destination = ? AND seq = ?')
    for (const row of readCursors(db)) this.rows.set(`${row.destination}/${row.lane}`, row)
  }

  all(): Iterable<CursorRow> {
    return this.rows.values()
  }

  get(destination: string, lane: Lane): CursorRow | undefined {
    return this.rows.get(`${destination}/${lane}`)
  }

  /** Inside the writer's transaction. */
  apply({ cursor, deadLetters, held, released }: Settlement): void {
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
    for (const letter of deadLetters) {
      this.bury.run(
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
    for (const one of held)
      this.hold.run(destination, one.seq, lane, one.route, one.epoch, one.boot, one.sinceRunningMs, one.record)
    for (const seq of released) this.release.run(destination, seq)
  }

  /** After the commit. */
  settled(cursor: CursorRow): void {
    const known = this.get(cursor.destination, cursor.lane)
    if (known === undefined || cursor.low > known.low || (cursor.low === known.low && cursor.settled >= known.settled))
      this.rows.set(`${cursor.destination}/${cursor.lane}`, cursor)
  }

  forget(destination: string): void {
    for (const [key, row] of this.rows) if (row.destination === destination) this.rows.delete(key)
  }
}

/** Every cursor as it stands in the database. */
export function readCursors(db: Database.Database): CursorRow[] {
  const rows = db
    .prepare<[], CursorDbRow>(
      'SELECT destination, lane, low, ranges, settled, settled_bytes AS settledBytes, delivered, expired, dropped, dead FROM cursors',
    )
    .all()
  return rows.map((row) => ({ ...row, lane: row.lane as Lane, ranges: JSON.parse(row.ranges) as [number, number][] }))
}

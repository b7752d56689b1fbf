import type Database from 'better-sqlite3'
import { LIMIT } from '../sqlite.ts'
import { isWholeNumber, type Table } from './table.ts'

/** Identifies a delivery of one destination: a message and one of the targets that its plan has there. */
export interface DeliveryKey {
  seq: number
  /** Number of the target among those of the destination. */
  target: number
}

/**
 * In place of a target's number: every target that has the route of the row. Rows of earlier versions have it, and dead letters whose
 * targets could not be read.
 */
export const ALL_TARGETS = -1
/** Route of dead letters that are to be sent again at once, whatever route they have. No route of a message is empty. */
export const REPLAY_ROUTE = ''

/** A delivery whose route is missing or forbidden: kept aside so that the rest of the destination goes on. */
export interface HeldInput extends DeliveryKey {
  route: string
  epoch: number
  boot: number
  sinceRunningMs: number
  /** The encoded record, checksum included. */
  record: Uint8Array
  /** Wall time at which an operator had the delivery repeated; null where nobody did. */
  replayedMs: number | null
}

export interface HeldRow extends HeldInput {
  lane: string
  record: Buffer
}

const COLUMNS =
  'seq, target, lane, route, epoch, boot, since_running_ms AS sinceRunningMs, record, replayed_ms AS replayedMs'

export const held: Table = {
  salvage: {
    held: {
      rows: 'from-both-ends',
      key: 'destination, seq, target',
      sound: `typeof(record) = 'blob' AND ${isWholeNumber('seq')} AND typeof(target) = 'integer'`,
    },
  },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE held (
    destination TEXT NOT NULL, seq INTEGER NOT NULL, lane TEXT NOT NULL, route TEXT NOT NULL, epoch INTEGER NOT NULL, boot INTEGER NOT NULL,
    since_running_ms REAL NOT NULL, record BLOB NOT NULL, PRIMARY KEY (destination, seq)) WITHOUT ROWID;`,
    },
    {
      step: 5,
      sql: `
  ALTER TABLE held RENAME TO held_of_messages;
  CREATE TABLE held (
    destination TEXT NOT NULL, seq INTEGER NOT NULL, target INTEGER NOT NULL, lane TEXT NOT NULL, route TEXT NOT NULL, epoch INTEGER NOT NULL,
    boot INTEGER NOT NULL, since_running_ms REAL NOT NULL, record BLOB NOT NULL, replayed_ms REAL, PRIMARY KEY (destination, seq, target)) WITHOUT ROWID;
  INSERT INTO held (destination, seq, target, lane, route, epoch, boot, since_running_ms, record)
    SELECT destination, seq, ${ALL_TARGETS}, lane, route, epoch, boot, since_running_ms, record FROM held_of_messages;
  DROP TABLE held_of_messages;
  CREATE INDEX held_by_route ON held (destination, route, seq, target);
  CREATE INDEX held_by_age ON held (destination, since_running_ms);`,
    },
  ],
}

export class HeldWriter {
  private readonly insertRow: Database.Statement
  private readonly deleteRow: Database.Statement<[string, number, number]>

  constructor(db: Database.Database) {
    this.insertRow = db.prepare(
      `INSERT INTO held (destination, seq, target, lane, route, epoch, boot, since_running_ms, record, replayed_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.deleteRow = db.prepare('DELETE FROM held WHERE destination = ? AND seq = ? AND target = ?')
  }

  hold(destination: string, lane: string, row: HeldInput): void {
    const { seq, target, route, epoch, boot, sinceRunningMs, record, replayedMs } = row
    this.insertRow.run(destination, seq, target, lane, route, epoch, boot, sinceRunningMs, record, replayedMs)
  }

  release(destination: string, { seq, target }: DeliveryKey): void {
    this.deleteRow.run(destination, seq, target)
  }
}

/** Reads the held deliveries of a destination, of one route or of all, oldest first. */
export function readHeld(
  db: Database.Database,
  destination: string,
  route: string | undefined,
  limit: number,
): HeldRow[] {
  const where = route === undefined ? '' : 'AND route = ?'
  const values = route === undefined ? [destination, limit] : [destination, route, limit]
  return db
    .prepare<(string | number)[], HeldRow>(
      `SELECT ${COLUMNS} FROM held WHERE destination = ? ${where} ORDER BY seq, target ${LIMIT}`,
    )
    .all(...values)
}

/** Reads deliveries of a destination that have been held since before `sinceMs` of running time. */
export function readHeldBefore(db: Database.Database, destination: string, sinceMs: number, limit: number): HeldRow[] {
  return db
    .prepare<[string, number, number], HeldRow>(
      `SELECT ${COLUMNS} FROM held WHERE destination = ? AND since_running_ms < ? ORDER BY since_running_ms ${LIMIT}`,
    )
    .all(destination, sinceMs, limit)
}

/** Reads the highest sequence number that a destination holds; 0 where it holds none. */
export function readLastHeld(db: Database.Database, destination: string): number {
  return (
    db
      .prepare<[string], number>('SELECT ifnull(max(seq), 0) FROM held WHERE destination = ?')
      .pluck()
      .get(destination) ?? 0
  )
}

export function prepareIsHeld(db: Database.Database): Database.Statement<[string, number, number], number> {
  return db
    .prepare<[string, number, number], number>('SELECT 1 FROM held WHERE destination = ? AND seq = ? AND target = ?')
    .pluck()
}

/** Counts the held deliveries of a destination by route. */
export function countHeld(db: Database.Database, destination: string): { route: string; count: number }[] {
  return db
    .prepare<[string], { route: string; count: number }>(
      'SELECT route, count(*) AS count FROM held WHERE destination = ? GROUP BY route',
    )
    .all(destination)
}

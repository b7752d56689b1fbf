import type Database from 'better-sqlite3'
import type { Table } from './table.ts'

/** A message whose route is missing or forbidden: kept aside so that the rest of the destination goes on. */
export interface HeldInput {
  seq: number
  route: string
  epoch: number
  boot: number
  sinceRunningMs: number
  /** The encoded record, checksum included. */
  record: Uint8Array
}

export interface HeldRow extends HeldInput {
  lane: string
  record: Buffer
}

export const held: Table = {
  salvage: { held: { rows: 'from-both-ends', key: 'destination, seq' } },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE held (
    destination TEXT NOT NULL, seq INTEGER NOT NULL, lane TEXT NOT NULL, route TEXT NOT NULL, epoch INTEGER NOT NULL, boot INTEGER NOT NULL,
    since_running_ms REAL NOT NULL, record BLOB NOT NULL, PRIMARY KEY (destination, seq)) WITHOUT ROWID;`,
    },
  ],
}

export class HeldWriter {
  private readonly insertRow: Database.Statement
  private readonly deleteRow: Database.Statement<[string, number]>

  constructor(db: Database.Database) {
    this.insertRow = db.prepare(
      `INSERT INTO held (destination, seq, lane, route, epoch, boot, since_running_ms, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.deleteRow = db.prepare('DELETE FROM held WHERE destination = ? AND seq = ?')
  }

  hold(destination: string, lane: string, { seq, route, epoch, boot, sinceRunningMs, record }: HeldInput): void {
    this.insertRow.run(destination, seq, lane, route, epoch, boot, sinceRunningMs, record)
  }

  release(destination: string, seq: number): void {
    this.deleteRow.run(destination, seq)
  }
}

/** Reads the held messages of a destination, of one route or of all, oldest first. */
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
      `SELECT seq, lane, route, epoch, boot, since_running_ms AS sinceRunningMs, record FROM held WHERE destination = ? ${where} ORDER BY seq LIMIT ?`,
    )
    .all(...values)
}

/** Counts the held messages of a destination by route. */
export function countHeld(db: Database.Database, destination: string): { route: string; count: number }[] {
  return db
    .prepare<[string], { route: string; count: number }>(
      'SELECT route, count(*) AS count FROM held WHERE destination = ? GROUP BY route',
    )
    .all(destination)
}

import type Database from 'better-sqlite3'
import type { Lane } from '../../core/message.ts'
import type { CopyWriter } from './copies.ts'
import type { PlanRow } from './plans.ts'
import { isJsonArray, type Table } from './table.ts'

/** Messages with the same lane and the same destinations make a stream: they become deletable together. */
export interface StreamRow {
  id: number
  lane: Lane
  destinations: string[]
}

export type StreamOp =
  | { type: 'stream'; row: StreamRow }
  /** Stored messages get a destination that they did not have when they were stored: these rows replace those of the same ids. */
  | { type: 'adopt'; plans: PlanRow[]; streams: StreamRow[] }

/** Each row also counts the messages and bytes ever written to its stream, up to `state.seq`. */
export const streams: Table = {
  salvage: { streams: { rows: 'by-number', key: 'id', sound: isJsonArray('destinations') } },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE streams (
    id INTEGER PRIMARY KEY, lane TEXT NOT NULL, destinations TEXT NOT NULL,
    messages INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0);`,
    },
  ],
  conclude(_source, target) {
    target.exec(`
    UPDATE streams SET messages = max(messages, (SELECT coalesce(sum(count), 0) FROM blocks WHERE stream = streams.id)),
      bytes = max(bytes, (SELECT coalesce(sum(length), 0) FROM blocks WHERE stream = streams.id))`)
  },
}

/** Writes streams, and holds all of them as the open transaction has them. */
export class StreamWriter {
  readonly rows: ReadonlyMap<number, StreamRow>
  private readonly known: Map<number, StreamRow>
  private readonly copies: CopyWriter
  private readonly insertStream: Database.Statement<[number, Lane, string]>
  private readonly replaceStream: Database.Statement<[string, number]>
  private readonly grow: Database.Statement<[number, number, number]>
  private uncommitted: number[] = []

  constructor(db: Database.Database, copies: CopyWriter) {
    this.known = new Map(readStreams(db).map((row) => [row.id, row]))
    this.rows = this.known
    this.copies = copies
    this.insertStream = db.prepare(
      'INSERT INTO streams (id, lane, destinations) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    )
    this.replaceStream = db.prepare('UPDATE streams SET destinations = ? WHERE id = ?')
    this.grow = db.prepare('UPDATE streams SET messages = messages + ?, bytes = bytes + ? WHERE id = ?')
  }

  insert(row: StreamRow): void {
    this.insertStream.run(row.id, row.lane, JSON.stringify(row.destinations))
    this.copies.insert('stream', row.id, JSON.stringify(row))
    if (!this.known.has(row.id)) this.uncommitted.push(row.id)
    this.known.set(row.id, row)
  }

  replace(row: StreamRow): void {
    this.replaceStream.run(JSON.stringify(row.destinations), row.id)
    this.copies.replace('stream', row.id, JSON.stringify(row))
    this.known.set(row.id, row)
  }

  countWritten(stream: number, messages: number, bytes: number): void {
    this.grow.run(messages, bytes, stream)
  }

  committed(): void {
    this.uncommitted = []
  }

  rolledBack(): void {
    for (const id of this.uncommitted) this.known.delete(id)
    this.uncommitted = []
  }
}

export function readStreams(db: Database.Database): StreamRow[] {
  const rows = db
    .prepare<[], { id: number; lane: Lane; destinations: string }>('SELECT id, lane, destinations FROM streams')
    .all()
  return rows.map((row) => ({ id: row.id, lane: row.lane, destinations: JSON.parse(row.destinations) as string[] }))
}

import type Database from 'better-sqlite3'
import type { ClockReading } from '../log/batch.ts'
import { isSqliteError } from '../sqlite.ts'
import type { Table } from './table.ts'

/** The one row that says where the log ended, when, and whether the end was a clean one. It may lag behind the blocks. */
export interface StateRow {
  batch: number
  seq: number
  clean: number
  running_ms: number
  monotonic_ms: number
  wall_ms: number
  synced: number
}

export const state: Table = {
  salvage: { state: { rows: 'none', why: 'a new database has the row already; `conclude` fills it' } },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1), batch INTEGER NOT NULL, seq INTEGER NOT NULL, clean INTEGER NOT NULL,
    running_ms REAL NOT NULL, monotonic_ms REAL NOT NULL, wall_ms REAL NOT NULL, synced INTEGER NOT NULL);
  INSERT INTO state VALUES (1, 0, 0, 1, 0, 0, 0, 0);`,
    },
    // The row may lag behind the blocks from here on: a program that takes it for the end of the log must not open the store.
    { step: 2, sql: '' },
  ],
  conclude: continueState,
}

export function readState(db: Database.Database): StateRow | undefined {
  return db.prepare<[], StateRow>('SELECT * FROM state').get()
}

export function setClean(db: Database.Database, clean: boolean): void {
  db.prepare('UPDATE state SET clean = ?').run(clean ? 1 : 0)
}

/** Writes the state row. Inside a transaction. */
export class StateWriter {
  private readonly end: Database.Statement<[number, number]>
  private readonly clock: Database.Statement<[number, number, number, number]>

  constructor(db: Database.Database) {
    this.end = db.prepare('UPDATE state SET batch = ?, seq = ? WHERE id = 1')
    this.clock = db.prepare('UPDATE state SET running_ms = ?, monotonic_ms = ?, wall_ms = ?, synced = ? WHERE id = 1')
  }

  saveEnd(batch: number, seq: number): void {
    this.end.run(batch, seq)
  }

  saveClock({ runningMs, monotonicMs, wallMs, synced }: ClockReading): void {
    this.clock.run(runningMs, monotonicMs, wallMs, synced ? 1 : 0)
  }
}

/** Stands for a clock that could not be read: no time is taken to have passed since. */
const UNKNOWN_CLOCK = { monotonic_ms: Number.MAX_SAFE_INTEGER, wall_ms: 0, synced: 0 }

/** Sequence numbers, batch numbers and running time go on above everything that was seen. The end was not a clean one. */
function continueState(source: Database.Database, target: Database.Database): void {
  const seen = (sql: string): number => safe(target.prepare<[], number | null>(sql).pluck().get())
  const stored = readSoundState(source)
  const seq = Math.max(
    safe(stored?.seq),
    seen('SELECT max(last_seq) FROM blocks'),
    seen('SELECT max(seq) FROM held'),
    seen('SELECT max(seq) FROM dead_letters'),
    seen('SELECT max(low) - 1 FROM cursors'),
    seen("SELECT max(json_extract(value, '$[1]')) FROM cursors, json_each(ranges)"),
  )
  const batch = Math.max(safe(stored?.batch), seen('SELECT max(batch) FROM blocks'))
  const runningMs = Math.max(stored?.running_ms ?? 0, seen('SELECT max(running_ms) FROM blocks'))
  const clock = stored ?? UNKNOWN_CLOCK
  target
    .prepare(
      'UPDATE state SET seq = ?, batch = ?, running_ms = ?, monotonic_ms = ?, wall_ms = ?, synced = ?, clean = 0',
    )
    .run(seq, batch, runningMs, clock.monotonic_ms, clock.wall_ms, clock.synced)
}

function readSoundState(source: Database.Database): Omit<StateRow, 'clean'> | undefined {
  try {
    const row = source
      .prepare<[], Omit<StateRow, 'clean'>>('SELECT batch, seq, running_ms, monotonic_ms, wall_ms, synced FROM state')
      .get()
    return row !== undefined && Object.values(row).every((value) => typeof value === 'number' && Number.isFinite(value))
      ? row
      : undefined
  } catch (error) {
    if (!isSqliteError(error)) throw error
    return undefined
  }
}

function safe(value: number | null | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}

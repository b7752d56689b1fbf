import type Database from 'better-sqlite3'
import { readStreams } from '../log/op-applier.ts'
import { decodeBlock } from '../log/record.ts'
import { SettledSet } from '../log/settled-set.ts'
import { isSqliteError } from '../sqlite-codes.ts'
import { readCursors } from '../tables/cursors.ts'

interface StateRow {
  batch: number
  seq: number
  running_ms: number
  monotonic_ms: number
  wall_ms: number
  synced: number
}

/** Where the state row cannot be read there is no reading of the clock either: no time is taken to have passed since. */
const UNKNOWN_CLOCK = { monotonic_ms: Number.MAX_SAFE_INTEGER, wall_ms: 0, synced: 0 }

/** Sequence and batch numbers go on above everything that was seen, and running time too. The end was not a clean one. */
export function continueState(source: Database.Database, target: Database.Database): void {
  const seen = (sql: string): number => safe(target.prepare<[], number | null>(sql).pluck().get())
  const stored = readState(source)
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

function readState(source: Database.Database): StateRow | undefined {
  try {
    const row = source
      .prepare<[], StateRow>('SELECT batch, seq, running_ms, monotonic_ms, wall_ms, synced FROM state')
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

/** What is written less what is settled is the backlog: lost messages must not stay in it for ever. */
export function recount(target: Database.Database): void {
  target.exec(`
    UPDATE streams SET messages = max(messages, (SELECT coalesce(sum(count), 0) FROM blocks WHERE stream = streams.id)),
      bytes = max(bytes, (SELECT coalesce(sum(length), 0) FROM blocks WHERE stream = streams.id))`)
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

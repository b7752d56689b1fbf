/**
 * The database of a gateway. Invariants:
 *
 * - Sequence and batch numbers only go up. The end of the log is what `state` says or, where there are blocks with numbers above
 *   `state.seq`, the last of these blocks (`log-end.ts`); the counts of `streams` are those of `state.seq` too.
 * - `blocks` is append-only: a block is written once and deleted whole, when every destination of its stream has settled
 *   every sequence in it and history no longer wants it, or when a named policy has dropped it. A crash can lose uncommitted
 *   messages, and a power cut at `durability: process` the last commits; never half a block.
 * - Every sequence number belongs to exactly one `epoch`; an epoch is never continued after an unclean end.
 * - `copies` holds plans, streams and epochs once more, on pages of its own.
 * - `cursors` never go back. Held and dead-lettered messages are written in the transaction that settles them.
 */
import type Database from 'better-sqlite3'
import { TABLES } from './tables.ts'

export const SCHEMA_VERSION = 6
/** `PRAGMA application_id`: "SFEd". */
export const APPLICATION_ID = 0x53464564

/** Additive steps; step n brings a database of version n to version n + 1. */
export const MIGRATIONS: readonly string[] = collectSteps()

function collectSteps(): string[] {
  const statements = TABLES.flatMap(({ migrations }) => migrations)
  const last = Math.max(...statements.map(({ step }) => step))
  return Array.from({ length: last + 1 }, (_, step) =>
    statements
      .filter((one) => one.step === step)
      .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0))
      .map(({ sql }) => sql)
      .join(''),
  )
}

/** Brings a database to this program's version, each step in a transaction of its own. */
export function migrate(db: Database.Database, steps: readonly string[] = MIGRATIONS): void {
  for (let version = schemaVersion(db); version < steps.length; version++) {
    db.transaction(() => {
      db.exec(steps[version] ?? '')
      db.pragma(`user_version = ${version + 1}`)
    }).exclusive()
  }
}

export function schemaVersion(db: Database.Database): number {
  return Number(db.pragma('user_version', { simple: true }))
}

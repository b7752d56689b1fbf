import type Database from 'better-sqlite3'
import type { DamagedSource } from '../salvage/readable-rows.ts'

/** The share of a table in one step of the schema's history. */
export interface Migration {
  /** Brings a database of version `step` to version `step + 1`. */
  step: number
  /** Place within the step; of one rank the order of `TABLES` counts. 0 where absent. */
  rank?: number
  sql: string
}

/** How the rows of a table get from a damaged database into a new one. */
export type SalvageRule =
  /** Goes up a whole-number key and steps over unreadable pages. `sound`: SQL condition of the rows that make sense. */
  | { rows: 'by-number'; key: string; sound?: string }
  /** Reads from the first row up and from the last one down. */
  | { rows: 'from-both-ends'; key: string; sound?: string }
  /** Yields the rows to insert; `target` has those that were inserted so far. */
  | { rows: 'own'; read: (source: DamagedSource, target: Database.Database) => Iterable<Record<string, unknown>> }
  /** Copies nothing; the reason says why that loses nothing that is needed. */
  | { rows: 'none'; why: string }

/** A table, or a few that live and die together. */
export interface Table {
  /** Every table that the migrations create, by name, with its salvage rule. */
  salvage: Readonly<Record<string, SalvageRule>>
  migrations: readonly Migration[]
  /** After the rows of all tables were copied: fills gaps from rows that say the same. */
  restore?: (target: Database.Database) => void
  /** After all tables were restored: computes what follows from their rows. */
  conclude?: (source: Database.Database, target: Database.Database) => void
}

/** SQL conditions for `sound`. */
export function isWholeNumber(column: string): string {
  return `typeof(${column}) = 'integer' AND ${column} BETWEEN 0 AND 9007199254740991`
}

export function isJsonArray(column: string): string {
  return `json_valid(${column}) AND json_type(${column}) = 'array'`
}

/** Prepares an insert of named values that replaces the row of the same key, all but the time at which it was made. */
export function prepareUpsert<Row extends object>(db: Database.Database, table: string): Database.Statement<[Row]> {
  const columns = db
    .prepare<[string], { name: string; pk: number }>('SELECT name, pk FROM pragma_table_info(?)')
    .all(table)
  const names = columns.map(({ name }) => name)
  const changes = columns
    .filter(({ name, pk }) => pk === 0 && name !== 'created_at')
    .map(({ name }) => `${name} = excluded.${name}`)
  return db.prepare(
    `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')})
     ON CONFLICT DO UPDATE SET ${changes.join(', ')}`,
  )
}

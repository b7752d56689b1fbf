import type Database from 'better-sqlite3'
import { LIMIT } from '../sqlite.ts'

/** One page of a table, the newest rows first. */
export interface PageQuery {
  limit: number
  /** Only rows with a key below this one. */
  before?: number | undefined
  /** Only rows whose column has this value. The names of columns are never a caller's. */
  where: Readonly<Record<string, string | undefined>>
}

/** A table that can be paged through by a whole-number key. */
export interface Paged {
  table: string
  key: string
  columns: string
}

export function selectFrom({ table, columns }: Paged): string {
  return `SELECT ${columns} FROM ${table}`
}

/** Rows that one step looks at: well under a millisecond where their pages are in memory. */
const ROWS_A_STEP = 1_000

/**
 * Reads rows with their key descending, and yields between steps, so that devices are served meanwhile: fitting rows may be rare and
 * the table large, and an index of each column would dirty a page of the disk with every row that is written.
 */
export function* keysetPage<Row>(
  db: Database.Database,
  paged: Paged,
  { limit, before, where }: PageQuery,
): Generator<void, Row[]> {
  const { table, key } = paged
  const given = Object.entries(where).filter((entry): entry is [string, string] => entry[1] !== undefined)
  // The plus keeps SQLite from using an index of the column: a step goes by the key, and its rows are few.
  const conditions = [`${key} < ?`, `${key} >= ?`, ...given.map(([column]) => `+${column} = ?`)].join(' AND ')
  const values = given.map(([, value]) => value)
  const lowest = db
    .prepare<[number], number | null>(
      `SELECT min(k) FROM (SELECT ${key} AS k FROM ${table} WHERE ${key} < ? ORDER BY ${key} DESC LIMIT ${ROWS_A_STEP})`,
    )
    .pluck()
  const fitting = db.prepare<(string | number)[], Row>(
    `${selectFrom(paged)} WHERE ${conditions} ORDER BY ${key} DESC ${LIMIT}`,
  )
  const rows: Row[] = []
  for (let above = before ?? Number.MAX_SAFE_INTEGER; ;) {
    const from = lowest.get(above) ?? undefined
    if (from === undefined) return rows
    for (const row of fitting.all(above, from, ...values, limit - rows.length)) rows.push(row)
    if (rows.length >= limit) return rows
    above = from
    yield
  }
}

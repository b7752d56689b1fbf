import type Database from 'better-sqlite3'
import { LIMIT } from '../bound-limit.ts'

/** One page of a table, the newest rows first. */
export interface PageQuery {
  limit: number
  /** Only rows with a key below this one. */
  before?: number | undefined
  /** Only rows whose column has this value. Columns are ours, values are the caller's. */
  where: Readonly<Record<string, string | undefined>>
}

/** What is paged through: a table, and its whole-number key. */
export interface Paged {
  table: string
  key: string
  columns: string
}

export function selectFrom({ table, columns }: Paged): string {
  return `SELECT ${columns} FROM ${table}`
}

/** Rows that are looked at in one step: well under a millisecond where they are in memory. */
const ROWS_A_STEP = 1_000

/**
 * Rows with their key descending. What fits may be rare, and the table large: it is gone through in steps, between which devices are
 * served, for an index of each column would cost a page of the disk with every row that is written.
 */
export function* keysetPage<Row>(
  db: Database.Database,
  paged: Paged,
  { limit, before, where }: PageQuery,
): Generator<void, Row[]> {
  const { table, key } = paged
  const given = Object.entries(where).filter((entry): entry is [string, string] => entry[1] !== undefined)
  // Behind a plus a column's index is left alone: a step goes by the key, and its rows are few.
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

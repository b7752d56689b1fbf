import type Database from 'better-sqlite3'
import { isSqliteError } from '../sqlite.ts'

/** The highest key at which a search for the next readable row looks. */
const LAST_KEY = 2 ** 52

export interface CopyReport {
  messages: number
  /** Places that hold something which could not be read, or made no sense. */
  lostRows: number
}

/** A damaged database, and the report of the copy that is made of it. */
export interface DamagedSource {
  db: Database.Database
  report: CopyReport
}

/** Lists the columns that a table has in both databases: one of an older version lacks columns, and a damaged schema may lack the table. */
export function columnsInBoth({ db, report }: DamagedSource, target: Database.Database, table: string): string {
  const wanted = target.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table)
  try {
    const there = new Set(db.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table))
    return wanted.filter((name) => there.has(name)).join(', ')
  } catch (error) {
    if (!isSqliteError(error)) throw error
    report.lostRows++
    return ''
  }
}

/** Yields the readable rows of a table in the order of its whole-number key, and steps over the others. */
export function* readableByNumber(
  { db, report }: DamagedSource,
  table: string,
  columns: string,
  key: string,
): Generator<Record<string, unknown>> {
  const query = `SELECT ${columns} FROM ${table} WHERE ${key} > ? ORDER BY ${key}`
  for (let after = -1; ;) {
    try {
      for (const row of db.prepare<[number], Record<string, unknown>>(query).iterate(after)) {
        yield row
        after = Number(row[key])
      }
      return
    } catch (error) {
      if (!isSqliteError(error)) throw error
      report.lostRows++
    }
    const beyond = nextReadable(db, query, after)
    if (beyond === undefined) return
    after = beyond
  }
}

/** Finds the lowest key from which on reading works again: doubles its step until it is behind the damage, then halves it. */
function nextReadable(db: Database.Database, query: string, after: number): number | undefined {
  const works = (key: number): boolean => {
    try {
      db.prepare<[number]>(`${query} LIMIT 1`).get(key)
      return true
    } catch (error) {
      if (!isSqliteError(error)) throw error
      return false
    }
  }
  let step = 1
  while (!works(after + step)) {
    step *= 2
    if (after + step > LAST_KEY) return undefined
  }
  let bad = after + step / 2
  let good = after + step
  while (good - bad > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (works(middle)) good = middle
    else bad = middle
  }
  return good
}

/** Yields the rows of a table that can be read from either end; a row may come twice. */
export function* readableFromBothEnds(
  { db, report }: DamagedSource,
  table: string,
  columns: string,
  key: string,
): Generator<Record<string, unknown>> {
  for (const order of ['ASC', 'DESC']) {
    try {
      yield* db
        .prepare<[], Record<string, unknown>>(`SELECT ${columns} FROM ${table} ORDER BY ${key} ${order}`)
        .iterate()
      return
    } catch (error) {
      if (!isSqliteError(error)) throw error
      report.lostRows++
    }
  }
}

import type Database from 'better-sqlite3'
import { isSqliteError } from '../sqlite-codes.ts'

/** How far a search for the next readable row goes. */
const LAST_KEY = 2 ** 52

export interface Losses {
  /** Places that could be seen to hold something, and not read. */
  lostRows: number
}

/** The rows of a table that can be read, in the order of its whole-number key; what cannot is stepped over. */
export function* readableByNumber(
  source: Database.Database,
  table: string,
  columns: string,
  key: string,
  losses: Losses,
): Generator<Record<string, unknown>> {
  const query = `SELECT ${columns} FROM ${table} WHERE ${key} > ? ORDER BY ${key}`
  for (let after = -1; ;) {
    try {
      for (const row of source.prepare<[number], Record<string, unknown>>(query).iterate(after)) {
        yield row
        after = Number(row[key])
      }
      return
    } catch (error) {
      if (!isSqliteError(error)) throw error
      losses.lostRows++
    }
    const beyond = nextReadable(source, query, after)
    if (beyond === undefined) return
    after = beyond
  }
}

/** The lowest key from which on reading works again: a step that doubles until it is behind the damage, then halving. */
function nextReadable(source: Database.Database, query: string, after: number): number | undefined {
  const works = (key: number): boolean => {
    try {
      source.prepare<[number]>(`${query} LIMIT 1`).get(key)
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

/** The rows of a table that can be read from either end; a row may come twice. */
export function* readableFromBothEnds(
  source: Database.Database,
  table: string,
  columns: string,
  key: string,
  losses: Losses,
): Generator<Record<string, unknown>> {
  for (const order of ['ASC', 'DESC']) {
    try {
      yield* source
        .prepare<[], Record<string, unknown>>(`SELECT ${columns} FROM ${table} ORDER BY ${key} ${order}`)
        .iterate()
      return
    } catch (error) {
      if (!isSqliteError(error)) throw error
      losses.lostRows++
    }
  }
}

import type Database from 'better-sqlite3'

/** One page of a table, the newest rows first. */
export interface PageQuery {
  limit: number
  /** Only rows with a key below this one. */
  before?: number | undefined
  /** Only rows whose column has this value. Columns are ours, values are the caller's. */
  where: Readonly<Record<string, string | undefined>>
}

/** Rows of `select` (which names its table), by their whole-number key, descending. */
export function keysetPage<Row>(db: Database.Database, select: string, key: string, query: PageQuery): Row[] {
  const given = Object.entries(query.where).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const conditions = given.map(([column]) => `${column} = ?`)
  if (query.before !== undefined) conditions.push(`${key} < ?`)
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  const values = [
    ...given.map(([, value]) => value),
    ...(query.before === undefined ? [] : [query.before]),
    query.limit,
  ]
  return db.prepare<(string | number)[], Row>(`${select} ${where} ORDER BY ${key} DESC LIMIT ?`).all(...values)
}

import { join } from 'node:path'
import Database from 'better-sqlite3'

/** Rows of a daemon's database, read beside it without disturbing it. */
export function readStore<Row>(folder: string, sql: string): Row[] {
  const db = new Database(join(folder, 'data/stepflow.db'), { readonly: true, timeout: 5_000 })
  try {
    return db.prepare<[], Row>(sql).all()
  } finally {
    db.close()
  }
}

/** The highest sequence number that is durable. */
export const LAST_SEQ_SQL = 'max(seq, coalesce((SELECT max(last_seq) FROM blocks WHERE id > seq), 0))'

export function lastSeq(folder: string): number {
  return readStore<{ seq: number }>(folder, `SELECT ${LAST_SEQ_SQL} AS seq FROM state`)[0]?.seq ?? 0
}

/** Messages in the log now. */
export function storedMessages(folder: string): number {
  return readStore<{ total: number | null }>(folder, 'SELECT sum(count) AS total FROM blocks')[0]?.total ?? 0
}

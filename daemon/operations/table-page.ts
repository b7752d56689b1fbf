import { inTurns } from '../core/turn.ts'
import type { PageQuery } from '../store/tables/keyset-page.ts'
import { checkCursor, type Page, type PageRequest } from './paging.ts'

/** Form of a numeric key in a request. */
export const KEY = /^\d{1,15}$/

/** One page of a table of the store, newest rows first. Reads in steps, so that devices are served in between. */
export async function tablePage<Row, View>(
  { limit, cursor }: PageRequest,
  where: PageQuery['where'],
  read: (query: PageQuery) => Iterator<void, Row[]>,
  keyOf: (row: Row) => number,
  viewOf: (row: Row) => View,
): Promise<Page<View>> {
  checkCursor(cursor, KEY)
  // One row more than asked for tells whether another page follows.
  const rows = await inTurns(
    read({ limit: limit + 1, before: cursor === undefined ? undefined : Number(cursor), where }),
  )
  const chosen = rows.slice(0, limit)
  const last = chosen.at(-1)
  const items = chosen.map(viewOf)
  return last === undefined || chosen.length === rows.length ? { items } : { items, next: String(keyOf(last)) }
}

import { inTurns } from '../core/turn.ts'
import type { PageQuery } from '../store/tables/keyset-page.ts'
import { checkCursor, type Page, type PageRequest } from './paging.ts'

/** A whole-number key, as a caller writes it. */
export const KEY = /^\d{1,15}$/

/** One page of a table of the store, the newest rows first; devices are served while it is looked for. */
export async function tablePage<Row, View>(
  { limit, cursor }: PageRequest,
  where: PageQuery['where'],
  read: (query: PageQuery) => Iterator<void, Row[]>,
  keyOf: (row: Row) => number,
  viewOf: (row: Row) => View,
): Promise<Page<View>> {
  checkCursor(cursor, KEY)
  // One more tells whether there is another page.
  const rows = await inTurns(
    read({ limit: limit + 1, before: cursor === undefined ? undefined : Number(cursor), where }),
  )
  const chosen = rows.slice(0, limit)
  const last = chosen.at(-1)
  const items = chosen.map(viewOf)
  return last === undefined || chosen.length === rows.length ? { items } : { items, next: String(keyOf(last)) }
}

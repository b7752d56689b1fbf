import { EdgeError } from '../core/errors.ts'
import type { Page, PageRequest } from './api-ports.ts'

const DEFAULT_LIMIT = 100

/** The part of a list that a page request means; a cursor names the last item of the page before. */
export function page<Item>(items: readonly Item[], keyOf: (item: Item) => string, request: PageRequest): Page<Item> {
  let from = 0
  if (request.cursor !== undefined) {
    const { cursor } = request
    from = items.findIndex((item) => keyOf(item) === cursor) + 1
    if (from === 0) throw invalidCursor()
  }
  const chosen = items.slice(from, from + request.limit)
  const last = chosen.at(-1)
  if (last === undefined || from + chosen.length >= items.length) return { items: chosen }
  return { items: chosen, next: keyOf(last) }
}

/** `limit` and `cursor` of a query that its schema has let through. */
export function pageRequest(query: Readonly<Record<string, string | undefined>>): PageRequest {
  const { limit, cursor } = query
  return { limit: limit === undefined ? DEFAULT_LIMIT : Number(limit), ...(cursor === undefined ? {} : { cursor }) }
}

function invalidCursor(): EdgeError {
  return new EdgeError('request-invalid', 'The cursor is not one of this list.', { place: { field: 'cursor' } })
}

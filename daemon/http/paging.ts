import { EdgeError } from '../core/errors.ts'
import type { Page, PageRequest } from './api-ports.ts'

const DEFAULT_LIMIT = 100

/** In which order a list comes: by keys that stay what they are, whatever else is added or deleted. */
export interface PageOrder<Item> {
  /** Texts that sort as the items do; no two are the same. The cursor of a page is the key of its last item. */
  keyOf: (item: Item) => string
  /** What a key looks like. */
  form: RegExp
}

/** The part of a list that a page request means: what comes behind its cursor, whether or not that item is still there. */
export function page<Item>(items: readonly Item[], { keyOf, form }: PageOrder<Item>, request: PageRequest): Page<Item> {
  const { cursor, limit } = request
  checkCursor(cursor, form)
  const behind = items
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => cursor === undefined || key > cursor)
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  const chosen = behind.slice(0, limit)
  const last = chosen.at(-1)
  const found = chosen.map(({ item }) => item)
  return last === undefined || chosen.length === behind.length ? { items: found } : { items: found, next: last.key }
}

/** Throws `request-invalid` for a cursor that no page of a list with keys of this form has given. */
export function checkCursor(cursor: string | undefined, form: RegExp): void {
  if (cursor !== undefined && !form.test(cursor))
    throw new EdgeError('request-invalid', 'The cursor is not one of this list.', { place: { field: 'cursor' } })
}

/** `limit` and `cursor` of a query that its schema has let through. */
export function pageRequest(query: Readonly<Record<string, string | undefined>>): PageRequest {
  const { limit, cursor } = query
  return { limit: limit === undefined ? DEFAULT_LIMIT : Number(limit), ...(cursor === undefined ? {} : { cursor }) }
}

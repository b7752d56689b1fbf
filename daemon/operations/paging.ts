import { EdgeError } from '../core/errors.ts'

export interface PageRequest {
  /** 1 to 1,000. */
  limit: number
  /** From `next` of the page before. */
  cursor?: string
}

export interface PageRequest {
  /** 1 to 1,000. */
  limit: number
  /** From `next` of the page before. */
  cursor?: string
}

export interface PageRequest {
  /** 1 to 1,000. */
  limit: number
  /** From `next` of the page before. */
  cursor?: string
}

export interface Page<Item> {
  items: Item[]
  /** Absent on the last page. */
  next?: string
}

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

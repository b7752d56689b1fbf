import { EdgeError } from '../core/errors.ts'

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

/** The order of a list, by keys that do not change when other items come and go. */
export interface PageOrder<Item> {
  /** A unique text that sorts as the items do. The cursor of a page is the key of its last item. */
  keyOf: (item: Item) => string
  /** The form of a key, to check cursors. */
  form: RegExp
}

/** The items behind the cursor, up to the limit. The item of the cursor itself may be gone. */
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

/** Throws `request-invalid` for a cursor that is no key of this form. */
export function checkCursor(cursor: string | undefined, form: RegExp): void {
  if (cursor !== undefined && !form.test(cursor))
    throw new EdgeError('request-invalid', 'The cursor is not one of this list.', { place: { field: 'cursor' } })
}

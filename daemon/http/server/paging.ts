import type { PageRequest } from '../../operations/paging.ts'
import { array, object, text } from './schemas.ts'

const DEFAULT_LIMIT = 100

/** Query parameters of every list. */
export const PAGE_QUERY = {
  limit: {
    type: 'string',
    pattern: '^[1-9][0-9]{0,2}$|^1000$',
    description: 'Items of a page, 1 to 1,000; default 100.',
  },
  cursor: {
    type: 'string',
    minLength: 1,
    maxLength: 256,
    pattern: '^[A-Za-z0-9:._-]+$',
    description: '`next` of the page before.',
  },
} as const

/** The schema of one page of a list. */
export function pageOf(item: object) {
  return object({ items: array(item), next: text }, ['items'])
}

/** The page that a validated query asks for. */
export function pageRequest(query: Readonly<Record<string, string | undefined>>): PageRequest {
  const { limit, cursor } = query
  return { limit: limit === undefined ? DEFAULT_LIMIT : Number(limit), ...(cursor === undefined ? {} : { cursor }) }
}

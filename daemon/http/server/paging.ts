import type { PageRequest } from '../../operations/paging.ts'

const DEFAULT_LIMIT = 100

/** `limit` and `cursor` of a query that its schema has let through. */
export function pageRequest(query: Readonly<Record<string, string | undefined>>): PageRequest {
  const { limit, cursor } = query
  return { limit: limit === undefined ? DEFAULT_LIMIT : Number(limit), ...(cursor === undefined ? {} : { cursor }) }
}

import { describe, expect, test } from 'vitest'
import { pageRequest } from '../../../daemon/http/server/paging.ts'
import { page, type Page } from '../../../daemon/operations/paging.ts'

const ORDER = { keyOf: (item: string) => item, form: /^[a-z]$/ }

const list = (text: string): string[] => text.split('')

function read(items: readonly string[], cursor: string | undefined, limit = 2): Page<string> {
  return page(items, ORDER, { limit, ...(cursor === undefined ? {} : { cursor }) })
}

describe('a list', () => {
  test('is read in pages, each after the last item of the page before', () => {
    expect(read(list('cabde'), undefined)).toEqual({ items: ['a', 'b'], next: 'b' })
    expect(read(list('cabde'), 'b')).toEqual({ items: ['c', 'd'], next: 'd' })
    expect(read(list('cabde'), 'd')).toEqual({ items: ['e'] })
    expect(read([], undefined)).toEqual({ items: [] })
    expect(read(list('ab'), undefined)).toEqual({ items: ['a', 'b'] })
  })

  test('continues although the item of the cursor was deleted', () => {
    expect(read(list('acde'), 'b')).toEqual({ items: ['c', 'd'], next: 'd' })
    expect(read(list('ab'), 'z')).toEqual({ items: [] })
  })

  test('refuses cursors of other lists', () => {
    expect(() => read(list('ab'), 'B!')).toThrow(
      expect.objectContaining({ code: 'request-invalid', place: { field: 'cursor' } }),
    )
  })
})

test('a query without limit and cursor is the first page of 100', () => {
  expect(pageRequest({})).toEqual({ limit: 100 })
  expect(pageRequest({ limit: '7', cursor: 'x' })).toEqual({ limit: 7, cursor: 'x' })
})

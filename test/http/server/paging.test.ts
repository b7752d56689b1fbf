import { describe, expect, test } from 'vitest'
import { pageRequest } from '../../../daemon/http/server/paging.ts'
import { page, type Page } from '../../../daemon/operations/paging.ts'

const ORDER = { keyOf: (item: string) => item, form: /^[a-z]$/ }

const list = (text: string): string[] => text.split('')

function read(items: readonly string[], cursor: string | undefined, limit = 2): Page<string> {
  return page(items, ORDER, { limit, ...(cursor === undefined ? {} : { cursor }) })
}

describe('a list', () => {
  test('comes in pages, each behind the last item of the one before', () => {
    expect(read(list('cabde'), undefined)).toEqual({ items: ['a', 'b'], next: 'b' })
    expect(read(list('cabde'), 'b')).toEqual({ items: ['c', 'd'], next: 'd' })
    expect(read(list('cabde'), 'd')).toEqual({ items: ['e'] })
    expect(read([], undefined)).toEqual({ items: [] })
    expect(read(list('ab'), undefined)).toEqual({ items: ['a', 'b'] })
  })

  test('goes on where it was although the item that the cursor names is gone', () => {
    expect(read(list('acde'), 'b')).toEqual({ items: ['c', 'd'], next: 'd' })
    expect(read(list('ab'), 'z')).toEqual({ items: [] })
  })

  test('knows cursors that are none of its own', () => {
    expect(() => read(list('ab'), 'B!')).toThrow(
      expect.objectContaining({ code: 'request-invalid', place: { field: 'cursor' } }),
    )
  })
})

test('a query that says nothing means the first hundred', () => {
  expect(pageRequest({})).toEqual({ limit: 100 })
  expect(pageRequest({ limit: '7', cursor: 'x' })).toEqual({ limit: 7, cursor: 'x' })
})

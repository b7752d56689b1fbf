import { expect, test } from 'vitest'
import { storedHeaders } from '../../daemon/ingest/stored-headers.ts'

const PLAIN = { invalid: false, tagged: undefined }
const VIOLATION = { pointer: '/n', keyword: 'type', expected: 'number', actual: '"x"' }

test('no headers are no text', () => {
  expect(storedHeaders(undefined, PLAIN, undefined)).toBe('')
  expect(storedHeaders(undefined, { ...PLAIN, invalid: true }, undefined)).toBe('')
})

test('the headers of a device stay as they are where the gateway adds none of the name', () => {
  const headers = { errors: 'own', 'replayed-at': 'yesterday' }
  expect(JSON.parse(storedHeaders(headers, PLAIN, undefined))).toEqual(headers)
})

test('a name that the gateway needs is kept for the device under another name', () => {
  const headers = { errors: 'own', 'replayed-at': 'yesterday', other: '1' }
  const text = storedHeaders(headers, { invalid: true, tagged: [VIOLATION] }, '2026-01-01T00:00:00.000Z')
  expect(JSON.parse(text)).toEqual({
    errors: JSON.stringify([VIOLATION]),
    'replayed-at': '2026-01-01T00:00:00.000Z',
    'device-errors': 'own',
    'device-replayed-at': 'yesterday',
    other: '1',
  })
})

import { expect, test } from 'vitest'
import { jsonText, parseJson, parseJsonAsWritten } from '../../daemon/core/json.ts'

const WIDE = '{"serial":9007199254740993,"ratio":1.0,"tiny":1e-400,"a":[12345678901234567890,1]}'

test('text that is no JSON is undefined', () => {
  for (const read of [parseJson, parseJsonAsWritten, (text: string) => jsonText(Buffer.from(text))])
    expect([read('{"a":nan}'), read('')]).toEqual([undefined, undefined])
  expect(jsonText(Uint8Array.of(0x22, 0xff, 0x22))).toBeUndefined()
})

test('numbers that a double cannot hold go out as they came', () => {
  expect(JSON.stringify(parseJsonAsWritten(WIDE))).toBe(WIDE)
  expect(JSON.stringify({ payload: parseJsonAsWritten('18446744073709551615') })).toBe(
    '{"payload":18446744073709551615}',
  )
})

test('JSON is put on one line without being written again', () => {
  expect(jsonText(Buffer.from('{\r\n\t"serial": 9007199254740993,\n "a": 1, "a": 2 }'))).toBe(
    '{   "serial": 9007199254740993,  "a": 1, "a": 2 }',
  )
})

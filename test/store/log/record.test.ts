import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeBlock,
  encodeRecord,
  recordBound,
  recordFits,
  sealRecords,
  type RecordInput,
} from '../../../daemon/store/log/record.ts'
import { recordInput } from '../store-fixture.ts'

function encode(...inputs: RecordInput[]): Buffer {
  const buffer = Buffer.alloc(inputs.reduce((sum, input) => sum + recordBound(input), 0))
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  let end = 0
  for (const [index, input] of inputs.entries()) end = encodeRecord(buffer, view, end, index + 1, input)
  const body = buffer.subarray(0, end)
  sealRecords(body)
  return body
}

function payloadsOf(body: Buffer): string[] {
  return decodeBlock(body).records.map((record) => record.payload.toString())
}

test('any text and bytes come back as they were encoded', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 60 })
  const input = fc.record({
    plan: fc.nat(0xffffffff),
    flags: fc.nat(255),
    runningMs: fc.double({ noNaN: true }),
    wallMs: fc.double({ noNaN: true }),
    expiresMs: fc.double({ noNaN: true }),
    clientId: text,
    topic: text,
    headers: text,
    payload: fc.uint8Array({ maxLength: 300 }),
  })
  fc.assert(
    fc.property(fc.array(input, { minLength: 1, maxLength: 8 }), (inputs) => {
      const { records, damagedBytes } = decodeBlock(encode(...inputs))
      expect(damagedBytes).toBe(0)
      expect(
        records.map(({ plan, flags, runningMs, wallMs, expiresMs, clientId, topic, headers, seq, payload }) => ({
          plan,
          flags,
          runningMs,
          wallMs,
          expiresMs,
          clientId,
          topic,
          headers,
          seq,
          payload: [...payload],
        })),
      ).toEqual(inputs.map((one, index) => ({ ...one, seq: index + 1, payload: [...one.payload] })))
    }),
    { numRuns: 300 },
  )
})

test('sequence numbers up to the largest safe integer are exact', () => {
  const input = recordInput('x')
  const buffer = Buffer.alloc(recordBound(input))
  const end = encodeRecord(
    buffer,
    new DataView(buffer.buffer, buffer.byteOffset, buffer.length),
    0,
    Number.MAX_SAFE_INTEGER,
    input,
  )
  sealRecords(buffer.subarray(0, end))
  expect(decodeBlock(buffer.subarray(0, end)).records[0]?.seq).toBe(Number.MAX_SAFE_INTEGER)
})

test('a record with changed bytes is skipped, and its neighbours are read', () => {
  const [one, two] = [encode(recordInput('one')), encode(recordInput('one'), recordInput('two'))]
  const body = encode(recordInput('one'), recordInput('two'), recordInput('three'))
  body[two.length - 1] = (body[two.length - 1] ?? 0) ^ 1
  expect(payloadsOf(body)).toEqual(['one', 'three'])
  expect(decodeBlock(body).damagedBytes).toBe(two.length - one.length)
})

test('a changed byte never yields another record', () => {
  const body = encode(recordInput('one'), recordInput('two'), recordInput('three'))
  const sound = decodeBlock(body).records.map((record) => record.encoded.toString('hex'))
  fc.assert(
    fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(body)
      changed[at] = (changed[at] ?? 0) ^ flip
      const read = decodeBlock(changed)
      expect(read.damagedBytes).toBeGreaterThan(0)
      for (const record of read.records) expect(sound).toContain(record.encoded.toString('hex'))
    }),
    { numRuns: 500 },
  )
})

test('a torn tail loses only the torn record', () => {
  const body = encode(recordInput('one'), recordInput('two'))
  const first = encode(recordInput('one')).length
  for (let length = first; length < body.length; length++) {
    expect(payloadsOf(body.subarray(0, length))).toEqual(['one'])
    expect(decodeBlock(body.subarray(0, length)).damagedBytes).toBe(length - first)
  }
})

test('texts of up to 65,535 bytes fit', () => {
  const largest = {
    clientId: 'c'.repeat(65_535),
    topic: 'é'.repeat(32_767) + 't',
    headers: '😀'.repeat(16_383) + 'abc',
  }
  expect(recordFits(recordInput('x', largest))).toBe(true)
  expect(decodeBlock(encode(recordInput('x', largest))).records[0]).toMatchObject(largest)
  for (const name of ['clientId', 'topic', 'headers'] as const)
    expect(recordFits(recordInput('x', { [name]: `${largest[name]}!` }))).toBe(false)
})

test('a lone surrogate is stored as the replacement character', () => {
  expect(decodeBlock(encode(recordInput('x', { topic: 'a\ud800b' }))).records[0]?.topic).toBe('a\ufffdb')
})

import avsc from 'avsc'
import { encode } from 'cbor-x'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'
import type { ContractMessage, PayloadSchema } from '../../../daemon/asyncapi/contract/contract.ts'
import { encodePayload } from '../../../daemon/asyncapi/messages/encode-payload.ts'
import { MessageValidator } from '../../../daemon/asyncapi/messages/message-validator.ts'
import type { Verdict } from '../../../daemon/asyncapi/messages/payload-verdict.ts'
import { makeChannel, makeMessage } from '../make-channel.ts'

const AVRO = 'application/vnd.apache.avro;version=1.9.0'
const PROTOBUF = 'application/vnd.google.protobuf;version=3'

function message(contentType: string, schemaFormat: string, payload: PayloadSchema): ContractMessage {
  return makeMessage('Reading', { contentType, schemaFormat, payload })
}

function judge(one: ContractMessage, payload: Uint8Array): Verdict {
  return new MessageValidator().validate(makeChannel({ messages: [one] }), payload)
}

describe('CBOR', () => {
  const reading = message('application/cbor', '', {
    type: 'object',
    required: ['t'],
    properties: { t: { type: 'number' }, raw: { type: 'string' }, big: { type: 'integer' } },
  })

  it('is checked against JSON Schema as a JSON value', () => {
    const value = { t: -21.5, raw: Buffer.from([255, 254]), big: 2n ** 60n, list: [1, -2, null, true, 'ä'] }
    expect(judge(reading, encode(value))).toMatchObject({
      ok: true,
      value: { t: -21.5, raw: '__4', big: 2 ** 60, list: [1, -2, null, true, 'ä'] },
    })
    expect(judge(reading, encode({ t: 'warm' }))).toMatchObject({
      ok: false,
      code: 'payload-invalid',
      errors: [{ pointer: '/t', keyword: 'type', expected: 'number' }],
    })
    expect(judge(message('application/senml+cbor', '', { type: 'array' }), encode([]))).toMatchObject({ ok: true })
  })

  it.each([
    [
      'half, single and double floats',
      'a36161f93e0061 62fa3fc0000061 63fb3ff8000000000000',
      { a: 1.5, b: 1.5, c: 1.5 },
    ],
    ['open lengths', '9f0102ff', [1, 2]],
    ['text in pieces', '7f6161 6162ff', 'ab'],
    ['integer keys', 'a10102', { 1: 2 }],
    ['tags: time, bignum, base64', '83c11a00000001c249010000000000000000d64101', [1, 2 ** 64, 'AQ==']],
    ['its own mark', 'd9d9f7f5', true],
    ['a tag of a library stays its content', 'd90069820102', [1, 2]],
  ])('%s', (_name, hex, value) => {
    expect(judge(message('application/cbor', '', {}), Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toMatchObject({
      ok: true,
      value,
    })
  })

  it.each([
    ['nothing', ''],
    ['JSON', Buffer.from('{"t":1}').toString('hex')],
    ['two items', '0101'],
    ['an early end', '8301'],
    ['a list of 4 billion items', '9affffffff'],
    ['a text of 16 EiB', '7bffffffffffffffff'],
    ['a break alone', 'ff'],
    ['a repeated key', 'a2616101616102'],
    ['a list as a key', 'a18001'],
    ['invalid UTF-8', '61ff'],
    ['10,000 levels', `${'81'.repeat(10_000)}01`],
    ['10,000 tags', `${'c1'.repeat(10_000)}01`],
  ])('%s is not CBOR', (_name, hex) => {
    expect(judge(message('application/cbor', '', {}), Buffer.from(hex, 'hex'))).toMatchObject({
      ok: false,
      code: 'payload-invalid',
      errors: [{ keyword: 'format', expected: 'CBOR' }],
    })
  })

  it('does not change a prototype', () => {
    const bytes = Buffer.concat([Buffer.from([0xa1, 0x69]), Buffer.from('__proto__'), encode({ polluted: 1 })])
    const verdict = judge(message('application/cbor', '', {}), bytes)
    expect(verdict.ok && Object.hasOwn(verdict.value as object, '__proto__')).toBe(true)
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})

describe('Avro', () => {
  const schema = {
    type: 'record',
    name: 'Reading',
    namespace: 'plant',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'temperature', type: ['null', 'double'] },
      { name: 'state', type: { type: 'enum', name: 'State', symbols: ['ON', 'OFF'] }, default: 'ON' },
      { name: 'counts', type: { type: 'array', items: 'long' } },
      { name: 'tags', type: { type: 'map', values: 'string' } },
      { name: 'raw', type: { type: 'fixed', name: 'Two', size: 2 } },
      { name: 'next', type: ['null', 'Reading'], default: null },
    ],
  }
  const type = avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: 'always' })
  const datum = {
    id: 'a',
    temperature: { double: 21.5 },
    state: 'OFF',
    counts: [1, -300, 2 ** 40],
    tags: { k: 'v' },
    raw: Buffer.from([1, 255]),
    next: null,
  }
  const plain = { ...datum, temperature: 21.5, raw: '\u0001\u00ff' }
  const binary = message('avro/binary', AVRO, schema)
  const json = message('application/json', AVRO, schema)

  it('reads both encodings, as avsc writes them', () => {
    expect(judge(binary, type.toBuffer(datum))).toMatchObject({ ok: true, value: plain })
    expect(judge(json, Buffer.from(type.toString(datum)))).toMatchObject({ ok: true, value: plain })
    const nested = { ...datum, next: { 'plant.Reading': datum } }
    expect(judge(binary, type.toBuffer(nested))).toMatchObject({ ok: true, value: { ...plain, next: plain } })
  })

  it('encodes values with and without the names of union branches', () => {
    for (const value of [plain, { ...plain, temperature: { double: 21.5 } }]) {
      expect(encodePayload(binary, value)).toEqual(type.toBuffer(datum))
      expect(JSON.parse(Buffer.from(encodePayload(json, value)).toString())).toEqual(JSON.parse(type.toString(datum)))
    }
    expect(() => encodePayload(binary, { ...plain, counts: ['x'] })).toThrow(
      expect.objectContaining({ code: 'payload-invalid', place: { field: '/counts/0' } }),
    )
  })

  it.each([
    [{ ...plain, temperature: 21.5 }, '/temperature', 'union'],
    [{ ...plain, temperature: null, counts: [1.5] }, '/counts/0', 'type'],
    [{ ...plain, temperature: null, state: 'BROKEN' }, '/state', 'type'],
    [{ id: 'a' }, '', 'required'],
    [[], '', 'type'],
  ])('names the place in JSON: %j', (value, pointer, keyword) => {
    expect(judge(json, Buffer.from(JSON.stringify(value)))).toMatchObject({
      ok: false,
      code: 'payload-invalid',
      errors: [{ pointer, keyword }],
    })
  })

  const lists = (items: unknown): PayloadSchema => ({ type: 'array', items })
  it.each<[string, PayloadSchema, string, string]>([
    ['JSON', schema, Buffer.from('{"id":"a"}').toString('hex'), '/id'],
    ['bytes after the end', 'int', '0202', ''],
    ['a string of 2^62 bytes', 'string', 'feffffffffffffffff01', ''],
    ['a list of 2^40 nulls', lists('null'), '808080808080 01', ''],
    ['a list of 2^40 empty records', lists({ type: 'record', name: 'E', fields: [] }), '808080808080 01', ''],
    ['a map of 2^40', { type: 'map', values: 'null' }, '808080808080 01', ''],
    ['a union branch that is not there', ['null', 'int'], '04', ''],
    ['an int of 40 bits', 'int', '80808080 8040', ''],
    ['a number of 11 bytes', 'long', 'ff'.repeat(11), ''],
    ['a boolean of 2', 'boolean', '02', ''],
    ['a record that holds itself', { type: 'record', name: 'R', fields: [{ name: 'r', type: 'R' }] }, '', '/r'],
  ])('refuses %s', (_name, given, hex, pointer) => {
    const verdict = judge(message('avro/binary', AVRO, given), Buffer.from(hex.replaceAll(' ', ''), 'hex'))
    expect(verdict).toMatchObject({ ok: false, code: 'payload-invalid' })
    expect(verdict.ok ? '' : verdict.errors[0]?.pointer).toMatch(new RegExp(`^${pointer}`))
  })

  it('keeps the key __proto__ of a map as an own property', () => {
    const bytes = Buffer.concat([Buffer.from([2, 18]), Buffer.from('__proto__'), Buffer.from([2, 0])])
    const verdict = judge(message('avro/binary', AVRO, { type: 'map', values: 'int' }), bytes)
    expect(verdict.ok && Object.entries(verdict.value as object)).toEqual([['__proto__', 1]])
  })
})

describe('Protobuf', () => {
  const proto = `
    package plant;
    enum State { OFF = 0; ON = 1; }
    message Reading {
      string device_id = 1;
      double temperature = 2;
      int64 count = 3;
      bytes raw = 4;
      State state = 5;
      repeated Reading parts = 6;
      map<string, int32> tags = 7;
    }
    message Other { int32 n = 1; }`
  const type = protobuf
    .parse(`syntax = "proto3"; ${proto}`, new protobuf.Root(), { keepCase: true })
    .root.lookupType('plant.Reading')
  const bytes = type
    .encode({ device_id: 'a', temperature: 1.5, count: 7, raw: Buffer.from([1]), state: 1, tags: { k: 2 } })
    .finish()
  const value = { device_id: 'a', temperature: 1.5, count: '7', raw: 'AQ==', state: 'ON', tags: { k: 2 } }
  const binary = message('application/x-protobuf', PROTOBUF, proto)
  const json = message('application/json', PROTOBUF, proto)

  it('reads and writes both encodings', () => {
    expect(judge(binary, bytes)).toMatchObject({ ok: true, value })
    const camel = { deviceId: 'a', temperature: 1.5, count: 7, raw: 'AQ==', state: 1, tags: { k: 2 } }
    expect(judge(json, Buffer.from(JSON.stringify(camel)))).toMatchObject({ ok: true, value })
    expect(Buffer.from(encodePayload(binary, camel))).toEqual(Buffer.from(bytes))
    expect(JSON.parse(Buffer.from(encodePayload(json, camel)).toString())).toEqual(value)
  })

  it('uses the message type with the name of the document’s message, else the first', () => {
    const other = { ...binary, name: 'Other' }
    expect(judge(other, Buffer.from('0805', 'hex'))).toMatchObject({ ok: true, value: { n: 5 } })
  })

  it.each([
    ['not Protobuf', Buffer.from('{"device_id":"a"}')],
    ['an early end', Buffer.from('0a05', 'hex')],
    ['a text that is not UTF-8', Buffer.from('0a01ff', 'hex')],
    ['10,000 levels', Buffer.from('33'.repeat(10_000), 'hex')],
  ])('refuses %s', (_name, payload) => {
    expect(judge(binary, payload)).toMatchObject({
      ok: false,
      code: 'payload-invalid',
      errors: [{ keyword: 'format' }],
    })
  })

  it.each([
    [{ device_id: 5 }, '/device_id', 'type'],
    [{ state: 'BROKEN' }, '/state', 'type'],
    [{ parts: [{ tags: { a: 2 ** 40 } }] }, '/parts/0/tags/a', 'type'],
    [{ devise: 1 }, '/devise', 'additionalProperties'],
    [{ count: '9223372036854775808' }, '/count', 'type'],
    [[], '', 'type'],
  ])('names the place in JSON: %j', (given, pointer, keyword) => {
    expect(judge(json, Buffer.from(JSON.stringify(given)))).toMatchObject({ ok: false, errors: [{ pointer, keyword }] })
    expect(() => encodePayload(binary, given)).toThrow(
      expect.objectContaining({ code: 'payload-invalid', place: { field: pointer } }),
    )
  })

  it('refuses proto2 payloads without a required field', () => {
    const two = 'syntax = "proto2"; message M { required int32 n = 1; }'
    for (const contentType of ['application/json', 'application/octet-stream']) {
      const one = message(contentType, 'application/vnd.google.protobuf;version=2', two)
      expect(judge(one, Buffer.from(contentType.endsWith('json') ? '{}' : ''))).toMatchObject({ ok: false })
    }
  })
})

describe('encoding a payload', () => {
  const text = (value: unknown, contentType: string): string =>
    Buffer.from(encodePayload(makeMessage('M', { contentType }), value)).toString('utf8')

  it('encodes JSON, text and bytes', () => {
    expect(text({ a: 1 }, 'application/json; charset=utf-8')).toBe('{"a":1}')
    expect(text('a', 'application/json')).toBe('"a"')
    expect(text('a', 'text/plain')).toBe('a')
    expect(text('a', 'text/json')).toBe('"a"')
    expect(text({ a: 1 }, 'application/octet-stream')).toBe('{"a":1}')
    expect(text(Buffer.from('raw'), 'application/octet-stream')).toBe('raw')
    expect(() => text(undefined, 'application/json')).toThrow(expect.objectContaining({ code: 'payload-invalid' }))
  })

  it('encodes CBOR so that it is read back equal', () => {
    const one = message('application/cbor', '', {})
    const value = { a: [1, 1.5, null, 'x'], __proto__x: { y: true } }
    expect(judge(one, encodePayload(one, value))).toMatchObject({ ok: true, value })
  })
})

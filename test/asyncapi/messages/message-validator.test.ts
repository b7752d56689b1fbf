import { describe, expect, it } from 'vitest'
import type { JsonSchema } from '../../../daemon/asyncapi/contract/contract.ts'
import { MessageValidator } from '../../../daemon/asyncapi/messages/message-validator.ts'
import type { Verdict } from '../../../daemon/asyncapi/messages/payload-verdict.ts'
import { makeChannel, makeMessage } from '../make-channel.ts'
import { judgePayload as judge } from './judge-payload.ts'

const reading: JsonSchema = {
  type: 'object',
  required: ['temperature'],
  properties: { temperature: { type: 'number' }, at: { type: 'string', format: 'date-time' } },
}

describe('one message', () => {
  it('accepts a valid payload and returns its value', () => {
    expect(judge(reading, { temperature: 1 })).toMatchObject({
      ok: true,
      message: { name: 'M' },
      value: { temperature: 1 },
    })
  })

  it('describes a violation by pointer, keyword, expected and actual', () => {
    const verdict = judge(reading, { temperature: 'x'.repeat(1_000) })
    expect(verdict).toMatchObject({
      ok: false,
      code: 'payload-invalid',
      message: 'M',
      errors: [{ pointer: '/temperature', keyword: 'type', expected: 'number' }],
    })
    expect(verdict.ok ? '' : verdict.errors[0]?.actual.length).toBeLessThanOrEqual(200)
    expect(judge(reading, {})).toMatchObject({
      errors: [{ pointer: '', keyword: 'required', expected: 'property "temperature"' }],
    })
  })

  it.each([
    ['', 'payload-not-json'],
    ['{"temperature":', 'payload-not-json'],
    ['\u{feff}{"temperature":1}', 'payload-not-json'],
    [`{"a":${'['.repeat(100)}${']'.repeat(100)}}`, 'payload-too-deep'],
    [`"${'a'.repeat(2 * 1024 * 1024)}"`, 'message-too-large'],
  ])('refuses %s with %s', (text, code) => {
    expect(judge(reading, Buffer.from(text))).toMatchObject({ ok: false, code })
  })

  it('does not count brackets inside texts as depth', () => {
    expect(judge({ type: 'string' }, '['.repeat(500) + '\\"[[')).toMatchObject({ ok: true })
  })

  it('refuses invalid UTF-8', () => {
    expect(judge({}, Buffer.from([0x22, 0xff, 0x22]))).toMatchObject({ ok: false, code: 'payload-not-json' })
  })

  it.each([
    ['nullable', { type: 'string', nullable: true }, null, true],
    ['nullable with enum', { type: 'string', nullable: true, enum: ['a'] }, null, true],
    ['nullable without type', { nullable: true, enum: ['a'] }, null, false],
    ['boolean exclusiveMinimum', { type: 'number', minimum: 1, exclusiveMinimum: true }, 1, false],
    ['unknown format', { type: 'integer', format: 'uint32' }, 1, true],
    ['known format', { type: 'string', format: 'date-time' }, 'yesterday', false],
    [
      'draft 2020',
      { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{ type: 'string' }] },
      [1],
      false,
    ],
    ['pattern that needs no unicode flag', { type: 'string', pattern: '^[\\w-.]+$' }, 'a-b.c', true],
    ['no coercion', { type: 'number' }, '1', false],
    [
      'unique objects',
      { type: 'array', uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      false,
    ],
    ['unique scalars', { type: 'array', uniqueItems: true }, [1, '1', true, null], true],
    ['x-ids', { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] }, { id: 'a' }, true],
  ])('%s', (_name, schema, value, ok) => {
    expect(judge(schema, value).ok).toBe(ok)
  })

  it('checks each value by its own pattern', () => {
    const schema = { properties: { a: { pattern: '^a$' }, b: { pattern: '^b$' } }, patternProperties: { '^x': false } }
    expect(judge(schema, { a: 'a', b: 'b' }).ok).toBe(true)
    expect(judge(schema, { b: 'a' }).ok).toBe(false)
    expect(judge(schema, { x1: 1 }).ok).toBe(false)
    const channel = makeChannel({
      messages: ['^c$', '^d$'].map((pattern) => makeMessage(pattern, { payload: { type: 'string', pattern } })),
    })
    expect(new MessageValidator().validate(channel, Buffer.from('"d"'))).toMatchObject({ message: { name: '^d$' } })
  })

  it('accepts every payload of a schema whose pattern RE2 does not support', () => {
    expect(judge({ type: 'string', pattern: '^(?!x)' }, 'x').ok).toBe(true)
  })

  it('accepts every payload of a message without a schema, and of other content types', () => {
    const channel = makeChannel({ messages: [makeMessage('M', { contentType: 'image/jpeg' })] })
    const verdict = new MessageValidator().validate(channel, Buffer.from([1, 2]))
    expect(verdict).toMatchObject({ ok: true, value: Buffer.from([1, 2]) })
    const text = makeChannel({ messages: [makeMessage('M', { contentType: 'text/plain; charset=utf-8' })] })
    expect(new MessageValidator().validate(text, Buffer.from('hi'))).toMatchObject({ ok: true, value: 'hi' })
    expect(new MessageValidator().validate(makeChannel(), Buffer.from('hi'))).toMatchObject({
      ok: true,
      message: { name: '' },
    })
  })
})

describe('several messages', () => {
  const channel = makeChannel({
    messages: [
      makeMessage('On', {
        payload: {
          type: 'object',
          required: ['type'],
          properties: { type: { const: 'on' }, level: { type: 'number' } },
        },
      }),
      makeMessage('Off', {
        payload: {
          type: 'object',
          required: ['type'],
          properties: { type: { const: 'off' }, why: { type: 'string' } },
        },
      }),
    ],
    operations: [
      { id: 'r', action: 'receive', messages: ['On'], bindings: {}, security: [], bridge: {} },
      { id: 's', action: 'send', messages: ['Off'], bindings: {}, security: [], bridge: {} },
    ],
  })
  const validator = new MessageValidator()
  const off = Buffer.from('{"type":"off"}')

  it('the first that fits wins', () => {
    expect(validator.validate(channel, off)).toMatchObject({ ok: true, message: { name: 'Off' } })
  })

  it('reports the errors of the nearest message', () => {
    const verdict = validator.validate(channel, Buffer.from('{"type":"off","why":1}'))
    expect(verdict).toMatchObject({ ok: false, message: 'Off', errors: [{ pointer: '/why' }] })
  })

  it('checks only the requested direction and message', () => {
    expect(validator.validate(channel, off, undefined, { action: 'receive' }).ok).toBe(false)
    expect(validator.validate(channel, off, undefined, { action: 'send' }).ok).toBe(true)
    expect(validator.validate(channel, off, undefined, { message: 'On' }).ok).toBe(false)
    expect(validator.validate(channel, off, undefined, { message: 'None' })).toMatchObject({
      errors: [{ keyword: 'message' }],
    })
  })
})

describe('headers and parameters', () => {
  const channel = makeChannel({
    parameters: [{ name: 'id', location: '$message.payload#/device/id' }],
    messages: [
      makeMessage('M', {
        payload: {},
        headers: { type: 'object', required: ['n'], properties: { n: { type: 'integer' }, __proto__x: {} } },
      }),
    ],
  })
  const validator = new MessageValidator()

  it('reads numbers from header texts, and checks headers only if the transport has headers', () => {
    expect(validator.validate(channel, Buffer.from('1')).ok).toBe(true)
    expect(validator.validate(channel, Buffer.from('1'), { n: '5' }).ok).toBe(true)
    expect(validator.validate(channel, Buffer.from('1'), { n: 'x' })).toMatchObject({
      errors: [{ pointer: '$message.header#/n' }],
    })
  })

  it('compares the topic with the payload, and accepts a payload without the field', () => {
    const parameters = (): Record<string, string> => ({ id: '7' })
    const ask = (text: string): Verdict => validator.validate(channel, Buffer.from(text), undefined, { parameters })
    expect(ask('{"device":{"id":7}}').ok).toBe(true)
    expect(ask('{"device":{}}').ok).toBe(true)
    expect(ask('{"device":{"id":"8"}}')).toMatchObject({
      code: 'parameter-mismatch',
      errors: [{ pointer: '/device/id', keyword: 'location', expected: '"7"', actual: '"8"' }],
    })
  })
})

import { describe, expect, it } from 'vitest'
import type { JsonSchema } from '../../../daemon/asyncapi/contract/contract.ts'
import { compileMessage } from '../../../daemon/asyncapi/messages/message-check.ts'
import { MessageValidator } from '../../../daemon/asyncapi/messages/message-validator.ts'
import type { Verdict } from '../../../daemon/asyncapi/messages/payload-verdict.ts'
import { SchemaCompiler } from '../../../daemon/asyncapi/schemas/schema-compiler.ts'
import { makeChannel, makeMessage } from '../make-channel.ts'

function judge(contentType: string, schema: JsonSchema, payload: Uint8Array | string): Verdict {
  const channel = makeChannel({ messages: [makeMessage('M', { contentType, payload: schema })] })
  return new MessageValidator().validate(channel, Buffer.from(payload))
}

function uncheckedOf(contentType: string, payload: JsonSchema): string | undefined {
  return compileMessage(makeMessage('M', { contentType, payload }), new SchemaCompiler()).unchecked
}

describe('a text payload', () => {
  it.each<[string, JsonSchema, string, boolean]>([
    ['any text', { type: 'string' }, 'on', true],
    ['an empty text', { type: 'string' }, '', true],
    ['pattern', { type: 'string', pattern: '^[A-Z]+$' }, 'ON', true],
    ['pattern', { type: 'string', pattern: '^[A-Z]+$' }, 'on', false],
    ['maxLength in characters', { type: 'string', maxLength: 2 }, 'äö', true],
    ['maxLength in characters', { type: 'string', maxLength: 2 }, 'abc', false],
    ['enum', { enum: ['ON', 'OFF'] }, 'OFF', true],
    ['enum', { enum: ['ON', 'OFF'] }, 'off', false],
    ['format', { type: 'string', format: 'date-time' }, '2024-01-01T00:00:00Z', true],
    ['format', { type: 'string', format: 'date-time' }, 'today', false],
    ['a number', { type: 'number' }, '21.5', true],
    ['a number with a line break', { type: 'number' }, '-21.5e0\r\n', true],
    ['a number with a sign', { type: 'number' }, '+.5', true],
    ['a number', { type: 'number' }, 'warm', false],
    ['a number', { type: 'number' }, '', false],
    ['a number', { type: 'number' }, '0x10', false],
    ['a number', { type: 'number' }, 'Infinity', false],
    ['a number', { type: 'number' }, '1e999', false],
    ['a number', { type: 'number' }, '1'.repeat(65), false],
    ['a bounded number', { type: 'number', maximum: 100 }, '101', false],
    ['an integer', { type: 'integer' }, '5', true],
    ['an integer', { type: 'integer' }, '5.5', false],
    ['a boolean', { type: 'boolean' }, 'true', true],
    ['a boolean', { type: 'boolean' }, '1', false],
    ['numbers that are named', { enum: [1, 2] }, '2', true],
    ['numbers that are named', { enum: [1, 2] }, '3', false],
    ['one of number and text', { oneOf: [{ type: 'number' }, { type: 'string' }] }, '5', true],
    ['a text of digits', { type: 'string', maxLength: 2 }, '123', false],
    ['any of number and list', { anyOf: [{ type: 'number' }, { type: 'array' }] }, '5', true],
    ['a number through a definition', { $ref: '#/definitions/N', definitions: { N: { type: 'number' } } }, '5', true],
    ['nothing', false, 'a', false],
  ])('%s: %j takes %j: %s', (_name, schema, text, ok) => {
    expect(judge('text/plain', schema, text).ok).toBe(ok)
  })

  it('stays a text even if it spells a number', () => {
    expect(judge('text/plain', { type: 'number' }, '21.5')).toMatchObject({ ok: true, value: '21.5' })
  })

  it('reports the violation of the number that it spells', () => {
    expect(judge('text/plain', { type: 'number', maximum: 100 }, '101')).toMatchObject({
      errors: [{ pointer: '', keyword: 'maximum', expected: '<= 100', actual: '101' }],
    })
    expect(judge('text/plain', { type: 'string', maxLength: 2 }, '123')).toMatchObject({
      errors: [{ keyword: 'maxLength' }],
    })
  })

  it('must be UTF-8, and is bounded in size', () => {
    expect(judge('text/csv', { type: 'string' }, Buffer.from([0xff, 0x2c]))).toMatchObject({
      code: 'payload-invalid',
      errors: [{ keyword: 'format', expected: 'a text in UTF-8' }],
    })
    expect(judge('text/plain', { type: 'string' }, 'a'.repeat(2 * 1024 * 1024))).toMatchObject({
      code: 'message-too-large',
    })
  })

  it.each<[string, JsonSchema, string]>([
    ['text/event-stream', { type: 'object' }, 'no text'],
    ['text/csv', { properties: { a: {} } }, 'no text'],
    ['text/csv', { allOf: [{ type: ['array', 'string'] }, { type: 'array' }] }, 'no text'],
    ['text/plain; charset="ISO-8859-1"', { type: 'string', maxLength: 1 }, 'iso-8859-1'],
  ])('of %s and %j passes unchecked, and says why', (contentType, schema, why) => {
    expect(judge(contentType, schema, 'abc').ok).toBe(true)
    expect(uncheckedOf(contentType, schema)).toContain(why)
  })

  it.each(['text/plain', 'text/plain;charset=UTF-8', 'text/html; charset="us-ascii"'])('of %s is checked', (type) => {
    expect(uncheckedOf(type, { type: 'string' })).toBeUndefined()
    expect(judge(type, { type: 'string', maxLength: 1 }, 'abc').ok).toBe(false)
  })

  it('finds the accepted types of schemas that refer to each other', () => {
    const both = (name: string): JsonSchema => ({ anyOf: Array(50).fill({ $ref: `#/definitions/${name}` }) })
    const schema: JsonSchema = { $ref: '#/definitions/a', definitions: { a: both('b'), b: both('a') } }
    expect(uncheckedOf('text/plain', schema)).toBeUndefined()
  })
})

describe('a payload of bytes', () => {
  const binary: JsonSchema = { type: 'string', format: 'binary', minLength: 2, maxLength: 3 }

  it('is checked by its length if the schema limits it', () => {
    expect(judge('application/octet-stream', binary, Buffer.from([255, 254, 253]))).toMatchObject({ ok: true })
    expect(judge('image/jpeg', binary, Buffer.from([255]))).toMatchObject({
      errors: [{ pointer: '', keyword: 'minLength', expected: 'at least 2 bytes', actual: '1 bytes' }],
    })
    expect(judge('application/octet-stream', binary, 'ä__')).toMatchObject({ errors: [{ keyword: 'maxLength' }] })
    expect(uncheckedOf('application/octet-stream', binary)).toBeUndefined()
    expect(uncheckedOf('application/octet-stream', true)).toBeUndefined()
  })

  it.each<JsonSchema>([
    { type: 'string', contentEncoding: 'base64', maxLength: 1 },
    { type: 'object', required: ['a'] },
    { type: 'string', pattern: '^a' },
    false,
  ])('of %j pass unchecked, and say so', (schema) => {
    expect(judge('application/octet-stream', schema, 'bcd').ok).toBe(true)
    expect(uncheckedOf('application/octet-stream', schema)).toContain('bytes')
  })
})

it('the content type `json` is JSON', () => {
  expect(judge('json', { type: 'number' }, '"a"').ok).toBe(false)
})

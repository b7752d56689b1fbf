import { describe, expect, it } from 'vitest'
import type { JsonSchema } from '../../../daemon/asyncapi/contract/contract.ts'
import { MessageValidator } from '../../../daemon/asyncapi/messages/message-validator.ts'
import { makeChannel, makeMessage } from '../make-channel.ts'
import { judgePayload as judge } from './judge-payload.ts'

describe('hostile schemas and payloads', () => {
  /** The budget allows about 100 ms for one payload. */
  const TEN_TIMES_MS = 1_000

  /** Measures processor time of the thread, so other work on the machine does not count. */
  function busyMs(work: () => unknown): number {
    const from = process.threadCpuUsage()
    work()
    const { user, system } = process.threadCpuUsage(from)
    return (user + system) / 1_000
  }

  const nested = (depth: number): unknown => (depth === 0 ? 1 : { x: nested(depth - 1) })
  const twice = { properties: { x: { $ref: '#/definitions/a' } } }
  const range = <T>(make: (index: number) => T, length: number): T[] =>
    Array.from({ length }, (_, index) => make(index))
  const manyKeys = Object.fromEntries(range((i) => [`key${i}`, 1], 40_000))

  it.each<[string, JsonSchema, unknown]>([
    [
      'exponential anyOf',
      {
        $ref: '#/definitions/a',
        definitions: {
          a: {
            anyOf: [
              { ...twice, type: 'object' },
              { ...twice, type: 'object' },
            ],
          },
        },
      },
      nested(40),
    ],
    ['a schema that is itself', { $ref: '#/definitions/a', definitions: { a: { $ref: '#/definitions/a' } } }, 1],
    ['catastrophic pattern', { type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(250_000)}!`],
    [
      'many patterns',
      { patternProperties: { '(a|b|ab)*c': false, 'x{1,500}y': false } },
      Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, 1])),
    ],
    ['uniqueItems', { type: 'array', uniqueItems: true }, Array.from({ length: 40_000 }, (_, i) => ({ i }))],
    [
      'url format',
      { type: 'array', items: { type: 'string', format: 'url' } },
      Array(200).fill(`http://${'a:@'.repeat(160)}`),
    ],
    ['email format', { type: 'string', format: 'email' }, `${'a.'.repeat(100_000)}@`],
    ['a long enum over many items', { items: { enum: range((i) => `v${i}`, 5_000) } }, Array(100_000).fill('v4999')],
    ['an enum of objects', { enum: range((i) => ({ [`a${i}`]: 1 }), 500) }, manyKeys],
    ['lengths of a long text', { anyOf: range(() => ({ maxLength: 1 }), 200) }, 'ä'.repeat(500_000)],
    ['numbers of keys', { anyOf: range(() => ({ maxProperties: 1 }), 200) }, manyKeys],
    ['keys that may not be', { anyOf: range(() => ({ additionalProperties: false }), 200) }, manyKeys],
    ['names of keys', { anyOf: range(() => ({ propertyNames: { maxLength: 3 } }), 200) }, manyKeys],
    [
      'keys further down',
      { anyOf: range(() => ({ properties: { x: { minProperties: 1e9 } } }), 200) },
      { x: manyKeys },
    ],
    ['contains', { anyOf: range(() => ({ contains: { const: 2 } }), 200) }, Array(500_000).fill(1)],
    [
      'wide objects in a list',
      { items: { properties: Object.fromEntries(range((i) => [`p${i}`, { type: 'number' }], 500)) } },
      Array(300_000).fill({}),
    ],
    ['wide tuples in a list', { items: { items: range(() => ({ type: 'number' }), 500) } }, Array(300_000).fill([])],
  ])('%s holds the thread for less than 100 ms', (_name, schema, value) => {
    const payload = Buffer.from(JSON.stringify(value))
    const channel = makeChannel({ messages: [makeMessage('M', { payload: schema })] })
    const validator = new MessageValidator()
    validator.validate(channel, Buffer.from('0'))
    expect(busyMs(() => validator.validate(channel, payload))).toBeLessThan(TEN_TIMES_MS)
  })

  it('refuses a payload that needs exponential work', () => {
    const schema = {
      $ref: '#/definitions/a',
      definitions: {
        a: {
          anyOf: [
            { ...twice, type: 'object' },
            { ...twice, type: 'object' },
          ],
        },
      },
    }
    expect(judge(schema, nested(40))).toMatchObject({ ok: false, errors: [{ keyword: 'limit' }] })
  })

  it.each<[string, JsonSchema, unknown]>([
    ['a list of numbers', { type: 'array', items: { type: 'number' } }, Array(400_000).fill(1)],
    ['a map', { $ref: '#/definitions/m', definitions: { m: { additionalProperties: { type: 'number' } } } }, manyKeys],
    [
      'a picture',
      { oneOf: [{ type: 'object', properties: { image: { type: 'string', maxLength: 2e6 } } }, { type: 'string' }] },
      { image: 'a'.repeat(1_000_000) },
    ],
    [
      'a list of readings',
      {
        type: 'array',
        items: { type: 'object', required: ['t'], properties: { t: { type: 'number' } }, additionalProperties: false },
      },
      Array(80_000).fill({ t: 1 }),
    ],
  ])('%s as large as a payload may be is taken', (_name, schema, value) => {
    expect(judge(schema, value)).toMatchObject({ ok: true })
  })

  it('all messages of a channel share the budget of one payload', () => {
    const payload = { items: { enum: range((i) => `v${i}`, 5_000) } }
    const messages = range((i) => makeMessage(`M${i}`, { payload: { ...payload, maxItems: 1e9 + i } }), 50)
    const channel = makeChannel({ messages })
    const validator = new MessageValidator()
    validator.validate(channel, Buffer.from('0'))
    const bytes = Buffer.from(JSON.stringify(Array(100_000).fill('v4999')))
    expect(busyMs(() => validator.validate(channel, bytes))).toBeLessThan(TEN_TIMES_MS)
    expect(validator.validate(channel, bytes)).toMatchObject({ errors: [{ keyword: 'limit' }] })
  })

  it('a schema that is compiled after the budget was exceeded still works', () => {
    const validator = new MessageValidator()
    const costly = makeMessage('A', { payload: { items: { enum: range((i) => i, 5_000) } } })
    const other = makeMessage('B', { payload: { enum: ['a', 'b'] } })
    const list = Buffer.from(JSON.stringify(Array(100_000).fill(1)))
    expect(validator.validate(makeChannel({ messages: [costly] }), list)).toMatchObject({
      errors: [{ keyword: 'limit' }],
    })
    expect(validator.validate(makeChannel({ messages: [other] }), Buffer.from('"c"')).ok).toBe(false)
  })

  it('refuses a million keys before reading them', () => {
    const text = `{${range((i) => `"k${i}":1`, 1_000_000).join()}}`
    expect(judge({}, Buffer.from(text))).toMatchObject({ ok: false, code: 'message-too-large' })
    expect(judge({}, Buffer.from('{"a":'.repeat(10_000)))).toMatchObject({ ok: false, code: 'payload-too-deep' })
  })

  it('does not change a prototype', () => {
    const text = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
    expect(judge({ type: 'object', additionalProperties: { type: 'object' } }, Buffer.from(text)).ok).toBe(true)
    expect(judge({ type: 'object', required: ['toString'] }, {}).ok).toBe(false)
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })
})

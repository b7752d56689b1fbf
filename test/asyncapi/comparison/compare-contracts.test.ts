import { describe, expect, it } from 'vitest'
import { compareContracts } from '../../../daemon/asyncapi/comparison/compare-contracts.ts'
import type { ContractChannel, JsonSchema } from '../../../daemon/asyncapi/contract/contract.ts'
import { makeChannel, makeContract, makeMessage } from '../make-channel.ts'

const contract = (...channels: ContractChannel[]) => makeContract({ channels })
const withSchema = (payload: JsonSchema) =>
  contract(makeChannel({ address: 'a', messages: [makeMessage('M', { payload })] }))

function changesOf(before: JsonSchema, after: JsonSchema): string[] {
  return compareContracts(withSchema(before), withSchema(after)).map(
    ({ kind, pointer, breaks }) => `${kind} ${pointer} ${breaks}`,
  )
}

describe('comparing two versions of a document', () => {
  it('identifies channels by address and messages by name', () => {
    const before = contract(
      makeChannel({ id: '1', address: 'a', messages: [makeMessage('Old'), makeMessage('Same')] }),
      makeChannel({ id: '2', address: 'gone' }),
    )
    const after = contract(
      makeChannel({ id: 'x', address: 'a', messages: [makeMessage('Same'), makeMessage('New')] }),
      makeChannel({ id: '3', address: 'new' }),
    )
    expect(compareContracts(before, after)).toMatchObject([
      { channel: 'gone', message: '', kind: 'removed', breaks: 'both' },
      { channel: 'a', message: 'Old', kind: 'removed', breaks: 'publishers' },
      { channel: 'a', message: 'New', kind: 'added', breaks: 'consumers' },
      { channel: 'new', message: '', kind: 'added', breaks: 'none' },
    ])
    expect(compareContracts(before, before)).toEqual([])
  })

  const field = (schema: JsonSchema, rest = {}): JsonSchema => ({ type: 'object', properties: { f: schema }, ...rest })
  it.each<[string, JsonSchema, JsonSchema, string[]]>([
    ['annotations alone', { description: 'a', title: 'x' }, { description: 'b', examples: [1] }, []],
    [
      'required',
      { required: ['a', 'b'] },
      { required: ['b', 'c/d'] },
      ['required /c~1d publishers', 'required /a consumers'],
    ],
    ['another type', field({ type: 'string' }), field({ type: 'number' }), ['type /f both']],
    ['a wider type', field({ type: 'integer' }), field({ type: 'number' }), ['type /f consumers']],
    ['nullable', field({ type: 'string', nullable: true }), field({ type: 'string' }), ['type /f publishers']],
    ['the same types', field({ type: ['a', 'null'] }), field({ type: ['null', 'a'] }), []],
    ['an enum grows', { enum: [1] }, { enum: [1, '1'] }, ['enum  consumers']],
    ['an enum comes', {}, { enum: [1] }, ['enum  publishers']],
    [
      'a tighter limit',
      { minimum: 1, maxLength: 9 },
      { minimum: 2, maxLength: 8 },
      ['range  publishers', 'range  publishers'],
    ],
    ['a limit goes', { maxItems: 5 }, {}, ['range  consumers']],
    ['a field more', field({}), { type: 'object', properties: { f: {}, g: {} } }, ['added /g none']],
    [
      'a field more where there might be none',
      field({}, { additionalProperties: false }),
      { type: 'object', properties: { f: {}, g: {} }, additionalProperties: false },
      ['added /g consumers'],
    ],
    ['a field less', field({}), { type: 'object' }, ['removed /f consumers']],
    ['closing', field({}), field({}, { additionalProperties: false }), ['unknown  publishers']],
    ['a pattern', { pattern: 'a' }, { pattern: 'b' }, ['unknown  unknown']],
    ['items', { items: { type: 'string' } }, { items: { type: 'number' } }, ['type /* both']],
    ['everything to nothing', true, false, ['unknown  publishers']],
    [
      'definitions, whatever they are called',
      { $ref: '#/definitions/a', definitions: { a: field({ $ref: '#/definitions/a' }) } },
      { $ref: '#/definitions/b', definitions: { b: field({ $ref: '#/definitions/b' }, { required: ['f'] }) } },
      ['required /f publishers'],
    ],
  ])('%s', (_name, before, after, changes) => {
    expect(changesOf(before, after)).toEqual(changes)
  })

  it('compares schemas of other languages as a whole', () => {
    const avro = (payload: unknown[], contentType = 'avro/binary') =>
      contract(
        makeChannel({
          address: 'a',
          messages: [
            makeMessage('M', { contentType, schemaFormat: 'application/vnd.apache.avro;version=1.9.0', payload }),
          ],
        }),
      )
    expect(compareContracts(avro(['null']), avro(['null']))).toEqual([])
    expect(compareContracts(avro(['null']), avro(['int'], 'application/json'))).toMatchObject([
      { kind: 'unknown', breaks: 'both' },
      { kind: 'unknown', breaks: 'unknown' },
    ])
  })

  it('ends for recursive schemas, for many branches, and for thousands of changes', () => {
    const loop = { $ref: '#/definitions/a', definitions: { a: { $ref: '#/definitions/a' } } }
    expect(changesOf(loop, loop)).toEqual([])
    const tree = (type: string): JsonSchema => ({
      $ref: '#/definitions/n0',
      definitions: Object.fromEntries(
        Array.from({ length: 30 }, (_, i) => [
          `n${i}`,
          { type, properties: { l: { $ref: `#/definitions/n${i + 1}` }, r: { $ref: `#/definitions/n${i + 1}` } } },
        ]),
      ),
    })
    expect(changesOf(tree('object'), tree('array'))).toHaveLength(500)
  })
})

import { describe, expect, it } from 'vitest'
import { DocumentErrors } from '../../../../daemon/asyncapi/documents/source/document-errors.ts'
import { readSource } from '../../../../daemon/asyncapi/documents/source/read-source.ts'
import type { EdgeError, ErrorCode } from '../../../../daemon/core/errors.ts'

function errorsOf(text: string): readonly EdgeError[] {
  try {
    readSource(text, 'a.yaml')
  } catch (error) {
    if (error instanceof DocumentErrors) return error.errors
    throw error
  }
  return []
}

const letters = 'abcdefghi'.split('')
const bomb = letters
  .map(
    (letter, i) =>
      `${letter}: &${letter} [${Array(9)
        .fill(i === 0 ? 'x' : `*${letters[i - 1]}`)
        .join()}]`,
  )
  .join('\n')

describe('reading a document', () => {
  it.each<[string, string, ErrorCode, number | undefined]>([
    ['broken YAML', 'asyncapi: 2.5.0\na: [1', 'document-syntax', 2],
    ['broken JSON', '{"asyncapi": "2.5.0",\n "a": }', 'document-syntax', 2],
    ['JSON that ends too early', '{"asyncapi": "2.5.0",\n "a": [1', 'document-syntax', 2],
    ['a duplicate key', 'asyncapi: 2.5.0\na: 1\na: 2', 'document-syntax', 3],
    ['a duplicate key in JSON', '{"asyncapi": "2.5.0",\n"a": {"b": 1,\n"b": 2}}', 'document-syntax', 3],
    ['two documents', 'asyncapi: 2.5.0\n---\na: 1', 'document-syntax', 2],
    ['nothing', '', 'document-invalid', 1],
    ['a list', '- 1', 'document-invalid', 1],
    ['no version', 'info: {}', 'document-invalid', 1],
    ['another version', 'info: {}\nasyncapi: 1.2.0', 'document-invalid', 2],
    ['a version as number', 'asyncapi: 3.0', 'document-invalid', 1],
    ['depth in flow style', `asyncapi: 2.5.0\nx: ${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'document-limit', 2],
    ['depth in block style', `asyncapi: 2.5.0\nx:\n ${'- '.repeat(10_000)}1`, 'document-limit', 3],
    ['depth in JSON', `{"asyncapi":"2.5.0","x":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`, 'document-limit', 1],
    ['depth of 101', `{"asyncapi":"2.5.0","x":${'{"a":'.repeat(101)}1${'}'.repeat(101)}}`, 'document-limit', 1],
    ['an alias bomb', `asyncapi: 2.5.0\n${bomb}`, 'document-limit', undefined],
    ['an alias inside its anchor', 'asyncapi: 2.5.0\na: &a\n  b: *a', 'document-limit', 1],
    ['10 MB', `asyncapi: 2.5.0\nx: ${'y'.repeat(10_000_000)}`, 'document-limit', undefined],
  ])('refuses %s', (_name, text, code, line) => {
    const [first] = errorsOf(text)
    expect(first?.code).toBe(code)
    expect(first?.place).toMatchObject({ file: 'a.yaml', ...(line === undefined ? {} : { line }) })
  })

  it.each([
    'http://127.0.0.1:9/x',
    'https://a/b#/c',
    'file:///etc/hostname',
    '/etc/hostname',
    './x.yaml',
    '../x.json#/a',
    'x',
    '#',
    '',
    '#foo',
  ])('refuses the reference %s', (reference) => {
    const text = `asyncapi: 2.5.0\nchannels:\n  a:\n    publish:\n      message:\n        $ref: '${reference}'\n`
    expect(errorsOf(text)).toMatchObject([
      { code: 'document-reference', place: { line: 6, column: 9, field: '/channels/a/publish/message/$ref' } },
    ])
  })

  it('lists references without a target and references that form a circle, in every place', () => {
    const text = `asyncapi: 2.5.0\nx-a: {$ref: '#/x-b'}\nx-b: {$ref: '#/x-a'}\nx-c: [{examples: [{$ref: '#/none'}]}]`
    expect(readSource(text).faulty.map(({ pointer }) => pointer)).toEqual([
      '/x-a/$ref',
      '/x-b/$ref',
      '/x-c/0/examples/0/$ref',
    ])
  })

  it('reports a reference that leaves the document, but not the references to it', () => {
    const text = `asyncapi: 2.5.0\nx-a: {$ref: '#/x-b/c'}\nx-b: {$ref: './b.yaml'}`
    expect(errorsOf(text)).toMatchObject([{ code: 'document-reference', place: { line: 3 } }])
  })

  it('finds keys with a slash, escaped or not', () => {
    for (const reference of ['#/x-a/b~1c/d', '#/x-a/b/c/d']) {
      const text = `asyncapi: 2.5.0\nx-a: { 'b/c': { d: 1 } }\ny: {$ref: '${reference}'}`
      expect(readSource(text).faulty).toEqual([])
    }
    expect(readSource(`asyncapi: 2.5.0\ny: {$ref: '#${'/x'.repeat(100_000)}'}`).faulty).toHaveLength(1)
  })

  it('accepts a byte order mark before YAML and JSON', () => {
    expect(readSource('\u{feff}asyncapi: 2.5.0').version).toBe('2.5.0')
    expect(readSource('\u{feff}{"asyncapi": "2.5.0"}').version).toBe('2.5.0')
  })

  it('accepts a property named $ref, merge keys, tabs in JSON and percent-encoded references', () => {
    expect(errorsOf('asyncapi: 2.5.0\nx: {properties: {$ref: {type: string}}}')).toEqual([])
    expect(readSource('asyncapi: 2.5.0\na: &a {b: 1}\nc: {<<: *a}').value).toMatchObject({ c: { b: 1 } })
    expect(errorsOf('{\n\t"asyncapi":\t"2.5.0"\n}')).toEqual([])
    expect(errorsOf(`asyncapi: 2.5.0\n'x a': 1\ny: {$ref: '#/x%20a'}`)).toEqual([])
  })

  it('does not change a prototype', () => {
    const { value } = readSource(
      'asyncapi: 2.5.0\n__proto__: {polluted: 1}\nx: {constructor: {prototype: {polluted: 1}}}',
    )
    expect(Object.hasOwn(value, '__proto__')).toBe(true)
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  it('finds places inside aliases', () => {
    const source = readSource('asyncapi: 2.5.0\na: &a\n  b: 1\nc: *a\n')
    expect(source.placeOf('/c/b')).toMatchObject({ line: 3, column: 3 })
    expect(source.placeOf('/c/none/deeper')).toMatchObject({ line: 4 })
  })

  it('reads many keys in linear time', () => {
    const text = `asyncapi: 2.5.0\nx:\n${Array.from({ length: 50_000 }, (_, i) => ` k${i}: 1`).join('\n')}`
    const from = performance.now()
    expect(errorsOf(text)).toEqual([])
    expect(performance.now() - from).toBeLessThan(10_000)
  })
})

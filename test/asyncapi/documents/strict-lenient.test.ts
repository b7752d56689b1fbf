import { describe, expect, it } from 'vitest'
import { checkDocument } from '../../../daemon/asyncapi/documents/check-document.ts'

const document = (message: string): string => `asyncapi: 2.6.0
info: { title: T, version: 1.0.0 }
channels:
  a:
    publish:
      message:
${message.replaceAll(/^/gm, '        ')}
`
const many = Array.from({ length: 2_001 }, (_, i) => `p${i}: {}`).join(', ')

describe('a schema that cannot be used', () => {
  it.each([
    ['a pattern that RE2 does not have', `payload: { type: string, pattern: '^(?!x)' }`],
    ['a schema that is too large', `payload: { type: object, properties: { ${many} } }`],
    ['an unknown schema format', `schemaFormat: application/vnd.acme\npayload: { a: 1 }`],
    ['an unknown dialect', `payload: { $schema: 'https://example.com/mine', type: string }`],
    ['bad Avro', `schemaFormat: application/vnd.apache.avro;version=1.9.0\npayload: { type: record }`],
    ['bad Protobuf', `schemaFormat: application/vnd.google.protobuf;version=3\npayload: 'message M { Gone g = 1; }'`],
    [
      'Protobuf with an import',
      `schemaFormat: application/vnd.google.protobuf;version=3\npayload: 'import "other.proto"; message M { int32 n = 1; }'`,
    ],
    ['Protobuf that is no text', `schemaFormat: application/vnd.google.protobuf;version=2\npayload: { message: M }`],
    ['RAML', `schemaFormat: application/raml+yaml;version=1.0\npayload: { type: object }`],
  ])('%s is refused with its place in strict mode, and listed in lenient mode', async (name, message) => {
    const text = document(message)
    const line = text.split('\n').findIndex((one) => one.includes('payload:')) + 1
    await expect(checkDocument({ text, mode: 'strict' })).rejects.toMatchObject({
      code: 'document-invalid',
      hint: expect.stringContaining('mode: lenient, which accepts it'),
      errors: expect.arrayContaining([
        expect.objectContaining({
          message: expect.stringContaining(name === 'RAML' ? 'RAML is not supported' : 'not checked'),
          place: expect.objectContaining({ line, column: 9 }),
        }),
      ]),
    })
    const { channels, diagnostics } = await checkDocument({ text, mode: 'lenient' })
    expect(channels[0]?.messages).toHaveLength(1)
    expect(diagnostics).toContainEqual(expect.objectContaining({ severity: 'error', line, column: 9 }))
  })

  it.each([
    [
      'Avro',
      `contentType: avro/binary\nschemaFormat: application/vnd.apache.avro+yaml;version=1.9.0\npayload: [ 'null', int ]`,
    ],
    [
      'Protobuf',
      `contentType: application/x-protobuf\nschemaFormat: application/vnd.google.protobuf;version=3\npayload: |\n  message M { int32 n = 1; }`,
    ],
    [
      'OpenAPI',
      `schemaFormat: application/vnd.oai.openapi;version=3.0.0\npayload: { type: number, nullable: true, minimum: 1, exclusiveMinimum: true }`,
    ],
  ])('a valid schema of %s is accepted in strict mode', async (_name, message) => {
    const { channels } = await checkDocument({ text: document(message), mode: 'strict' })
    expect(channels[0]?.messages[0]?.payload).toBeDefined()
  })

  it('the hint does not offer lenient mode for an error that refuses a document in both modes', async () => {
    const text = document('payload: true').replace('  a:', '  a:\n    x-bridge: { lane: fast }')
    await expect(checkDocument({ text, mode: 'strict' })).rejects.toMatchObject({
      code: 'document-invalid',
      hint: expect.not.stringContaining('lenient'),
    })
  })

  it('a reference without a target is refused with its place in strict mode, and leaves its message unchecked in lenient mode', async () => {
    const known = `oneOf:\n  - { $ref: '#/components/messages/Gone' }\n  - { name: Known, payload: { type: number } }`
    const text = document(known)
    await expect(checkDocument({ text, mode: 'strict' })).rejects.toMatchObject({
      code: 'document-reference',
      hint: expect.stringContaining('mode: lenient, which accepts it'),
      errors: [
        { message: 'The reference "#/components/messages/Gone" leads nowhere.', place: { line: 8, column: 15 } },
      ],
    })
    const { channels, diagnostics } = await checkDocument({ text, mode: 'lenient' })
    expect(channels[0]?.messages).toMatchObject([{ name: 'Gone' }, { name: 'Known', payload: { type: 'number' } }])
    expect(channels[0]?.messages[0]?.payload).toBeUndefined()
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toHaveLength(1)
  })
})

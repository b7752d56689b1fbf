import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { AsyncApiParser } from '../../../daemon/asyncapi/documents/asyncapi-parser.ts'

const text = readFileSync(new URL('../fixtures/v3.0.yaml', import.meta.url), 'utf8')
const parser = new AsyncApiParser()

describe('AsyncApiParser', () => {
  it('returns the parts of a document', async () => {
    const contract = await parser.parseDocument(text)
    const [first] = parser.extractChannels(contract)
    expect(first?.id).toBe(contract.channels[0]?.id)
    const all = parser.extractMessages(contract)
    const own = parser.extractMessages(contract, first?.id)
    expect(all.length).toBeGreaterThan(own.length)
    expect(own.map(({ message }) => message)).toEqual(first?.messages)
    expect(parser.extractMessages(contract, 'no such channel')).toEqual([])
    expect(parser.extractServers(contract)).toHaveLength(contract.servers.length)
    expect(parser.extractSecuritySchemes(contract)).toEqual(contract.securitySchemes)
    expect(parser.extractOperations(contract)).toHaveLength(contract.channels.flatMap((one) => one.operations).length)
    expect(parser.extractParameters(contract)).toHaveLength(contract.channels.flatMap((one) => one.parameters).length)
    expect(parser.extractBindings(contract).every(({ bindings }) => Object.keys(bindings).length > 0)).toBe(true)
  })

  it('accepts objects, and checks strictly by default', async () => {
    const document = { asyncapi: '2.6.0', info: { title: 'T' }, channels: { a: { publish: { message: {} } } } }
    await expect(parser.parseDocument(document, { file: 'x.json' })).rejects.toMatchObject({
      code: 'document-invalid',
      hint: expect.stringContaining('mode: lenient, which accepts it'),
      place: { file: 'x.json' },
    })
    await expect(parser.parseDocument(document, { mode: 'lenient' })).resolves.toMatchObject({ version: '' })
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    await expect(parser.parseDocument(circle)).rejects.toMatchObject({ code: 'document-syntax' })
  })
})

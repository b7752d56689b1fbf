import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkDocument } from '../../../daemon/asyncapi/documents/check-document.ts'
import { extractContract } from '../../../daemon/asyncapi/documents/extract/extract-contract.ts'
import { readSource } from '../../../daemon/asyncapi/documents/source/read-source.ts'

const folder = new URL('../fixtures/', import.meta.url)
const files = readdirSync(folder).filter((name) => /^v\d/.test(name))

describe('documents of every AsyncAPI version', () => {
  it.each(files)('%s has the contract of the golden file', async (name) => {
    const text = readFileSync(new URL(name, folder), 'utf8')
    // The official parser's recommendations are left out, because they change with its version.
    const contract = extractContract(readSource(text, name))
    await expect(`${JSON.stringify(contract, null, 2)}\n`).toMatchFileSnapshot(
      `../fixtures/expected/${name}.contract.json`,
    )
    const strict = await checkDocument({ text, file: name, mode: 'strict' })
    expect({ ...strict, diagnostics: [] }).toEqual({ ...contract, diagnostics: [] })
  })

  it('strict mode accepts the demonstration document', async () => {
    const text = readFileSync(new URL('../../../config/demo-asyncapi.yaml', import.meta.url), 'utf8')
    const contract = await checkDocument({ text, mode: 'strict' })
    expect(contract.channels.map((channel) => channel.address)).toEqual(['device/{deviceId}/data'])
    expect(contract.channels[0]?.messages[0]?.payload).toMatchObject({ required: ['temperature', 'humidity'] })
    expect(contract.servers).toMatchObject([{ name: 'production', protocol: 'mqtt', url: 'mqtt://broker.example.com' }])
  })

  it('YAML and JSON have the same contract', async () => {
    const { parse } = await import('yaml')
    const text = readFileSync(new URL('v2.6.yaml', folder), 'utf8')
    const yaml = await checkDocument({ text, mode: 'lenient' })
    const json = await checkDocument({ text: JSON.stringify(parse(text)), mode: 'lenient' })
    expect(json.channels).toEqual(yaml.channels)
  })
})

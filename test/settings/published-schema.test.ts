import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { upstreamSchemas } from '../../daemon/protocols/registry.ts'
import { loadSettings } from '../../daemon/settings/loading/load-settings.ts'
import { settingsJsonSchema } from '../../daemon/settings/settings-schema.ts'
import { accepted, base } from './config-folder.ts'

const root = join(import.meta.dirname, '../..')
const validate = new Ajv2020({ allowUnionTypes: true }).compile(settingsJsonSchema(upstreamSchemas))

test('config/schema.json and docs/configuration.md are up to date', () => {
  execFileSync(process.execPath, [join(root, 'scripts/generate-config-docs.ts'), '--check'], { stdio: 'pipe' })
})

test.each(['config/demo.yaml', 'config/gateway.example.yaml'])(
  '%s is accepted, and by the published schema too',
  (name) => {
    accepted(loadSettings({ ...base, file: join(root, name), env: { KAFKA_PASSWORD: 'x' } }))
    const value: unknown = parse(readFileSync(join(root, name), 'utf8'))
    expect(validate(value), JSON.stringify(validate.errors)).toBe(true)
  },
)

test.each([
  { brokr: {} },
  { shutdownTimeout: 15 },
  { shutdownTimeout: 'soon' },
  { broker: { listeners: [] } },
  { upstreams: { broker: { protocol: 'file', directory: 'j' } } },
  { upstreams: { k: { protocol: 'amqp' } } },
])('the published schema refuses %j', (value) => {
  expect(validate(value)).toBe(false)
})

test('the published schema takes a reference where a number or duration stands', () => {
  expect(validate({ shutdownTimeout: '${env:T}', broker: { maxInflight: '${file:n}' } })).toBe(true)
})

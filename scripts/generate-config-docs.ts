import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { upstreamSchemas } from '../daemon/protocols/registry.ts'
import { configurationReference } from '../daemon/settings/schema/configuration-reference.ts'
import { settingsJsonSchema } from '../daemon/settings/settings-schema.ts'

// Writes config/schema.json and the lower part of docs/configuration.md; with --check only compares.
const MARK = '<!-- What follows is generated from the schema: npx node scripts/generate-config-docs.ts -->'
const root = join(import.meta.dirname, '..')
const check = process.argv.includes('--check')

function currentText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

function update(name: string, make: (current: string) => string): void {
  const file = join(root, name)
  const current = currentText(file)
  const wanted = make(current)
  if (wanted === current) return
  if (check) {
    console.error(`${name} is out of date: run scripts/generate-config-docs.ts`)
    process.exitCode = 1
  } else {
    writeFileSync(file, wanted)
    console.error(`wrote ${name}`)
  }
}

const schema = settingsJsonSchema(upstreamSchemas)
update('config/schema.json', () => `${JSON.stringify(schema, null, 2)}\n`)
update('docs/configuration.md', (current) => {
  const head = current.split(MARK)[0]?.trimEnd() ?? ''
  return `${head}\n\n${MARK}\n\n${configurationReference(schema)}`
})

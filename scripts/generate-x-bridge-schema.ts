/** Writes config/x-bridge.schema.json; with --check only compares it and fails where it differs. */
import { readFileSync, writeFileSync } from 'node:fs'
import { BRIDGE_SCHEMA } from '../daemon/asyncapi/contract/bridge.ts'

const file = new URL('../config/x-bridge.schema.json', import.meta.url)
const wanted = `${JSON.stringify(BRIDGE_SCHEMA, null, 2)}\n`

if (!process.argv.includes('--check')) {
  writeFileSync(file, wanted)
} else if (readFileSync(file, 'utf8') !== wanted) {
  console.error('config/x-bridge.schema.json is out of date: run node scripts/generate-x-bridge-schema.ts')
  process.exitCode = 1
}

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../servers/temporary-folder.ts'

const ROOT = join(import.meta.dirname, '../..')
const folder = temporaryFolder('package')

/** Runs a program in the folder where the package is installed; gives what it printed. */
function run(command: string, args: readonly string[], cwd = folder.path): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

beforeAll(() => {
  run('npm', ['pack', '--pack-destination', folder.path], ROOT)
  writeFileSync(join(folder.path, 'package.json'), '{ "name": "elsewhere", "private": true, "type": "module" }')
  run('sh', ['-c', 'npm install --ignore-scripts --omit=dev --no-audit --no-fund ./stepflow-edge-*.tgz'])
}, 180_000)
afterAll(() => folder.remove())

test('the command of the tarball runs where it is installed', () => {
  expect(run('npx', ['--no-install', 'stepflow-edge', '--version'])).toMatch(
    /^stepflow-edge \d.* \(Node 24\..*, SQLite 3\./,
  )
  expect(run('npx', ['--no-install', 'stepflow-edge', 'explain', 'device/1/data', '--json'])).toContain('"unmatched"')
})

test('programs that embed the gateway import it by name', () => {
  writeFileSync(
    join(folder.path, 'embed.mjs'),
    "import { createGateway, KafkaAdapter } from 'stepflow-edge'\nconst gateway = createGateway({ overrides: { gateway: { id: 'x' } } })\nconsole.log(typeof gateway.start, typeof KafkaAdapter)\n",
  )
  expect(run('npx', ['--no-install', 'node', 'embed.mjs'])).toBe('function function\n')
})

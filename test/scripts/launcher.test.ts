import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const LAUNCHER = fileURLToPath(new URL('../../scripts/stepflow-edge.sh', import.meta.url))
const ARCH = process.arch === 'arm64' ? 'arm64' : 'x64'
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'launcher-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A package of the shape that npm makes, with stand-ins that print what they were started with. */
function install(parts: {
  main: string
  node?: string
  systemNode?: string
}): (args: string[]) => { out: string; err: string; status: number | null } {
  const root = join(folder, 'node_modules/stepflow-edge')
  const bin = join(folder, 'bin')
  for (const path of [join(root, 'scripts'), join(root, parts.main, '..'), join(folder, 'node_modules/.bin'), bin]) {
    mkdirSync(path, { recursive: true })
  }
  cpSync(LAUNCHER, join(root, 'scripts/stepflow-edge.sh'))
  writeFileSync(join(root, parts.main), '')
  symlinkSync('../stepflow-edge/scripts/stepflow-edge.sh', join(folder, 'node_modules/.bin/stepflow-edge'))
  if (parts.node !== undefined) writeProgram(join(folder, 'node_modules', parts.node, 'bin/node'), 'echo own "$@"')
  if (parts.systemNode !== undefined) writeProgram(join(bin, 'node'), parts.systemNode)
  return (args) => {
    const env = { PATH: `${bin}:/tmp/none` }
    for (const tool of ['uname', 'readlink', 'dirname', 'sh']) symlinkSync(`/bin/${tool}`, join(bin, tool))
    const { stdout, stderr, status } = spawnSync(join(folder, 'node_modules/.bin/stepflow-edge'), args, {
      encoding: 'utf8',
      env,
    })
    return { out: stdout.replaceAll(folder, ''), err: stderr, status }
  }
}

function writeProgram(path: string, text: string): void {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
}

describe('the launcher', () => {
  test('takes the Node that came with the package, and the build', () => {
    const run = install({ main: 'dist/daemon/main.js', node: `node-linux-${ARCH}`, systemNode: 'echo system "$@"' })
    expect(run(['run', '-c', 'my file.yaml']).out).toMatch(
      /^own (--\S+ )+\/node_modules\/stepflow-edge\/dist\/daemon\/main\.js run -c my file\.yaml\n$/,
    )
  })

  test('takes the sources in a clone', () => {
    const run = install({ main: 'daemon/main.ts', node: `stepflow-edge/node_modules/node-linux-${ARCH}` })
    expect(run([]).out).toMatch(/^own (--\S+ )+\/node_modules\/stepflow-edge\/daemon\/main\.ts\n$/)
  })

  test('takes the Node of the system where none came along', () => {
    const run = install({ main: 'dist/daemon/main.js', systemNode: '[ "$1" = -e ] || echo system "$@"' })
    expect(run(['status']).out).toMatch(/^system (--\S+ )+/)
  })

  test('refuses a Node that is too old, and says which one is needed', () => {
    const run = install({ main: 'dist/daemon/main.js', systemNode: '[ "$1" = -e ] && exit 1; echo v20.1.0' })
    const { err, status } = run([])
    expect(status).toBe(1)
    expect(err).toContain('v20.1.0')
    expect(err).toContain('24.15')
  })

  test('says what to install where there is no Node at all', () => {
    const { err, status } = install({ main: 'dist/daemon/main.js' })([])
    expect(status).toBe(1)
    expect(err).toContain('no Node found')
  })
})

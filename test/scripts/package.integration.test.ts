import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChild } from '../servers/child.ts'
import { freePorts } from '../servers/ports.ts'
import { temporaryFolder } from '../servers/temporary-folder.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { readJournal } from '../support/journal-reader.ts'
import { connectClient } from '../support/mqtt-client.ts'

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

test('the daemon of the tarball takes a message and forwards it', async () => {
  const [mqttPort = 0, httpPort = 0] = await freePorts(2)
  const document = join(folder.path, 'node_modules/stepflow-edge/config/demo-asyncapi.yaml')
  const settings = {
    asyncapi: [document],
    broker: { listeners: [`mqtt://127.0.0.1:${mqttPort}`] },
    http: { url: `http://127.0.0.1:${httpPort}` },
    upstreams: { journal: { protocol: 'file', directory: './journal' } },
    store: { directory: './data' },
  }
  writeFileSync(join(folder.path, 'edge.yaml'), JSON.stringify(settings))
  const logFile = join(folder.path, 'log')
  const child = startChild(
    join(folder.path, 'node_modules/.bin/stepflow-edge'),
    ['run', '-c', join(folder.path, 'edge.yaml')],
    { logFile },
  )
  try {
    await waitUntil(
      () => `the daemon runs\n${child.log()}`,
      () => {
        if (!child.isRunning()) throw new Error(`the daemon ended\n${child.log()}`)
        return child.log().includes('"msg":"running"')
      },
    )
    const client = await connectClient(mqttPort)
    await client.publishAsync('device/42/data', '{"temperature":21.5,"humidity":40}', { qos: 1 })
    await client.endAsync()
    await waitUntil(
      () => `the message is in the journal\n${child.log()}`,
      () => readJournal(join(folder.path, 'journal')).some((line) => line.topic === 'device/42/data'),
    )
  } finally {
    child.signal('SIGTERM')
    await child.exited
  }
  expect(child.log()).toContain('"msg":"stopped"')
})

import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../servers/ports.ts'
import { requireTool } from '../servers/require-tool.ts'
import { temporaryFolder } from '../servers/temporary-folder.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { readJournal } from '../support/journal-reader.ts'

const ROOT = join(import.meta.dirname, '../..')
const clone = temporaryFolder('clone')
let started: ChildProcess | undefined

beforeAll(() => {
  // What a clone has once this is committed: files that git knows or would take.
  const files = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
  for (const file of files.split('\0')) {
    if (file !== '' && existsSync(join(ROOT, file))) cpSync(join(ROOT, file), join(clone.path, file))
  }
})
afterAll(async () => {
  if (started?.pid !== undefined && started.exitCode === null && started.signalCode === null) {
    process.kill(-started.pid, 'SIGKILL')
    await once(started, 'exit')
  }
  clone.remove()
})

test('npm start in a fresh clone installs what is missing, runs, and a message arrives in the journal', async () => {
  expect(existsSync(join(clone.path, 'node_modules'))).toBe(false)
  const [mqttPort = 0, httpPort = 0] = await freePorts(2)
  // eslint-disable-next-line node/no-process-env -- as a user's shell would start it
  const env = {
    ...process.env,
    STEPFLOW_BROKER__LISTENERS: `[ 'mqtt://127.0.0.1:${mqttPort}' ]`,
    STEPFLOW_HTTP__URL: `http://127.0.0.1:${httpPort}`,
  }
  const child = spawn('npm', ['start'], { cwd: clone.path, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  started = child
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  }
  await waitUntil(
    () => `npm start says what to try\n${said}`,
    () => {
      if (child.exitCode !== null) throw new Error(`npm start ended\n${said}`)
      return said.includes('Try: mosquitto_pub')
    },
    240_000,
  )
  expect(said).toContain(`http://127.0.0.1:${httpPort}/`)

  const topic = 'device/42/data'
  const payload = '{"temperature":21.5,"humidity":40}'
  execFileSync(requireTool('mosquitto_pub'), ['-h', '127.0.0.1', '-p', String(mqttPort), '-t', topic, '-m', payload])
  const lines = () => readJournal(join(clone.path, 'data/journal'))
  await waitUntil(
    () => `the message is in the journal\n${said}`,
    () => lines().some((line) => line.topic === topic),
  )
  expect(lines().find((line) => line.topic === topic)?.payload).toEqual({ temperature: 21.5, humidity: 40 })
  await waitUntil(
    () => 'the simulated sensors are in the journal',
    () => ['device/boiler/data', 'device/pump/data'].every((sensor) => lines().some((line) => line.topic === sensor)),
  )

  if (child.pid === undefined) throw new Error('npm did not start')
  // Ctrl-C, as a terminal sends it: to npm and to the daemon, which then has it from npm once more.
  process.kill(-child.pid, 'SIGINT')
  await once(child, 'close')
  expect(said).toContain('"msg":"stopped"')
}, 300_000)

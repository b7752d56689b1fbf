import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { connectClient } from '../support/mqtt-client.ts'
import { runCli, type CliEnded } from '../support/run-cli.ts'

const ROOT = join(import.meta.dirname, '../..')
const METER = `asyncapi: 2.5.0
info: { title: Meter, version: VERSION }
channels:
  meter/{meterId}/reading:
    publish:
      message:
        name: Reading
        payload: { type: object, required: [kwh], properties: { kwh: { type: TYPE } } }
`

const daemon = await DaemonProcess.create()

beforeAll(() => daemon.start())
afterAll(() => daemon.remove())

function cli(args: readonly string[], env: Record<string, string> = {}): Promise<CliEnded> {
  return runCli(args, { env: { STEPFLOW_URL: `http://127.0.0.1:${daemon.httpPort}`, ...env } })
}

function meter(version: string, type = 'number'): string {
  return daemon.writeFile(`meter-${version}-${type}.yaml`, METER.replace('VERSION', version).replace('TYPE', type))
}

async function publishAsDevice(topic: string, payload: string): Promise<void> {
  const client = await connectClient(daemon.mqttPort, { clientId: 'meter-7' })
  await client.publishAsync(topic, payload, { qos: 1 })
  await client.endAsync()
}

describe('the commands that ask a running daemon', () => {
  test('register a document and list it with its channels', async () => {
    const registered = await cli(['register', meter('1.0.0')])
    expect(registered).toMatchObject({ code: 0 })
    expect(registered.stdout).toMatch(/^[0-9a-f]{24} {2}Meter@1\.0\.0\n/)
    expect((await cli(['documents'])).stdout).toMatch(/Meter +1\.0\.0 +active +api +1/)
    const channels = JSON.parse((await cli(['channels', '--json'])).stdout) as { channel_name: string }[]
    expect(channels.map((one) => one.channel_name)).toContain('meter/{meterId}/reading')
  })

  test('publish by the address of a channel, and explain why a message is refused', async () => {
    const published = await cli(['publish', 'meter/{meterId}/reading', '{"kwh":1.5}', '--param', 'meterId=7'])
    expect(published).toMatchObject({ code: 0 })
    expect(published.stdout).toMatch(/^edge-1:[0-9a-f]{12}:\d+ {2}meter\/7\/reading\n$/)
    const refused = await cli(['publish', 'meter/{meterId}/reading', '{"kwh":"much"}', '--param', 'meterId=7'])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('[payload-invalid]')
    expect(refused.stderr).toContain('pointer /kwh')
    const missing = await cli(['publish', 'meter/{meterId}/reading', '{"kwh":1}'])
    expect(missing.stderr).toContain('[parameter-missing]')
  })

  test('show quarantined messages, and publish them again once their document accepts them', async () => {
    await publishAsDevice('meter/7/reading', '{"kwh":"12"}')
    const listed = await cli(['quarantine', 'list', '--topic', 'meter/7/reading'])
    expect(listed.stdout).toMatch(/meter\/7\/reading +meter-7 +payload-invalid +\/kwh expected/)
    const id = /^(\d+) /m.exec(listed.stdout)?.[1] ?? ''
    expect(JSON.parse((await cli(['quarantine', 'show', id])).stdout)).toMatchObject({ payload: { kwh: '12' } })
    const still = await cli(['quarantine', 'replay', id])
    expect(still.stderr).toContain('[payload-invalid]')
    const changed = await cli(['register', meter('2.0.0', 'string')])
    expect(changed.stderr).toContain('changed: meter/{meterId}/reading Reading/kwh type')
    expect((await cli(['quarantine', 'replay', id])).stdout).toMatch(/^edge-1:/)
    expect((await cli(['quarantine', 'list', '--topic', 'meter/7/reading'])).stdout).toBe('none\n')
    await publishAsDevice('meter/8/reading', '{"kwh":1}')
    const other = /^(\d+) /m.exec((await cli(['quarantine', 'list', '--topic', 'meter/8/reading'])).stdout)?.[1] ?? ''
    expect(await cli(['quarantine', 'discard', other])).toMatchObject({ code: 0 })
    expect((await cli(['quarantine', 'show', other])).stderr).toContain('[not-found]')
  })

  test('show by a dry run which stored messages a version would refuse, and register nothing', async () => {
    const dry = await cli(['register', meter('3.0.0'), '--dry-run', '--json'])
    expect(JSON.parse(dry.stdout)).toMatchObject({
      name: 'Meter',
      version: '3.0.0',
      replay: {
        checked: 2,
        rejected: 1,
        complete: true,
        reasons: [{ code: 'payload-invalid', pointer: '/kwh', keyword: 'type', count: 1 }],
        devices: [{ client_id: 'meter-7', rejected: 1 }],
      },
    })
    expect((await cli(['documents'])).stdout).not.toContain('3.0.0')
  })

  test('follow messages as they arrive', async () => {
    // eslint-disable-next-line node/no-process-env -- tools are found by the path that the tests have
    const { PATH = '' } = process.env
    const child = spawn(
      join(ROOT, 'node_modules/.bin/node'),
      [join(ROOT, 'daemon/main.ts'), 'tail', 'meter/{meterId}/reading', '--json'],
      { env: { PATH, STEPFLOW_URL: `http://127.0.0.1:${daemon.httpPort}` }, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    await waitUntil(
      () => `the stream has a message: ${out}`,
      async () => {
        await publishAsDevice('meter/9/reading', '{"kwh":"3"}')
        return out.includes('"topic":"meter/9/reading"')
      },
    )
    child.kill('SIGINT')
  })

  test('show the status and the statistics of the gateway', async () => {
    const status = await cli(['status'])
    expect(status.stdout).toMatch(/journal +file +connected/)
    const stats = JSON.parse((await cli(['stats', '--window', '1h', '--json'])).stdout) as { totals: { valid: number } }
    expect(stats.totals.valid).toBeGreaterThanOrEqual(2)
    expect((await cli(['stats'])).stdout).toContain('channel meter/{meterId}/reading')
  })
})

test.each([
  ['a daemon that does not answer', ['status', '--url', 'http://127.0.0.1:1'], 69, '[daemon-unreachable]'],
  ['an address that is none', ['status', '--url', 'nowhere'], 64, '[request-invalid]'],
  ['a document that is not valid', ['register', 'broken'], 65, '[document-'],
  ['a channel that is not there', ['publish', 'none', '{}'], 1, '[not-found]'],
  ['an unknown option', ['documents', '--what'], 64, "unknown option '--what'"],
])('%s ends with its exit code', async (_what, args, code, text) => {
  const broken = daemon.writeFile('broken.yaml', 'asyncapi: 2.5.0\ninfo: {}\nchannels: {}\n')
  const ended = await cli(args.map((arg) => (arg === 'broken' ? broken : arg)))
  expect(ended.stderr).toContain(text)
  expect(ended.code).toBe(code)
})

test('a command that needs an identity exits with code 77 without one, and with 0 with the admin key', async () => {
  const guarded = await DaemonProcess.create()
  guarded.configure({ broker: { listeners: [`mqtt://0.0.0.0:${guarded.mqttPort}`] } })
  try {
    await guarded.start()
    const url = `http://127.0.0.1:${guarded.httpPort}`
    const refused = await runCli(['documents', '--url', url])
    expect(refused).toMatchObject({ code: 77, stdout: '' })
    expect(refused.stderr).toMatch(/\[not-permitted\]\n  [A-Z]/)
    const key = readFileSync(guarded.path('data/admin-key'), 'utf8').trim()
    expect(await runCli(['documents', '--url', url, '--api-key', key])).toMatchObject({ code: 0 })
  } finally {
    await guarded.remove()
  }
})

import { spawnSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { waitUntil } from '../servers/wait-until.ts'
import { call, openStream } from '../support/api.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { connectClient } from '../support/mqtt-client.ts'

const ROOT = join(import.meta.dirname, '../..')
const daemon = await DaemonProcess.create()
let key = ''
let channel = ''

beforeAll(async () => {
  daemon.configure({
    http: { url: `http://0.0.0.0:${daemon.httpPort}`, insecure: true },
    upstreams: {},
    unmatched: 'local',
  })
  await daemon.start()
  key = readFileSync(daemon.path('data/admin-key'), 'utf8').trim()
  const { body } = await call<{ items: { id: string }[] }>(daemon, 'GET', '/channels', undefined, { 'x-api-key': key })
  channel = body.items[0]?.id ?? ''
})
afterAll(() => daemon.remove())

function cli(args: readonly string[], env: Record<string, string> = {}): { code: number | null; out: string } {
  const url = `http://127.0.0.1:${daemon.httpPort}`
  // eslint-disable-next-line node/no-process-env -- tools are found by the path that the tests have
  const { PATH = '', HOME = '' } = process.env
  const node = join(ROOT, 'node_modules/.bin/node')
  const { status, stdout, stderr } = spawnSync(node, [join(ROOT, 'daemon/main.ts'), ...args], {
    env: { PATH, HOME, STEPFLOW_URL: url, ...env },
    encoding: 'utf8',
  })
  return { code: status, out: stdout + stderr }
}

/** How a WebSocket ended up: open, or the status of its refusal. */
function openSocket(path: string, protocols: string[], headers: Record<string, string> = {}): Promise<string | number> {
  const socket = new WebSocket(`ws://127.0.0.1:${daemon.httpPort}${path}`, protocols, { headers })
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      resolve('open')
      socket.close()
    })
    socket.once('unexpected-response', (request, response) => {
      resolve(response.statusCode ?? 0)
      request.destroy()
    })
    socket.once('error', reject)
  })
}

test('the first start beyond loopback writes the key for its owner alone, and logs where it is, never what it is', () => {
  expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/)
  expect(statSync(daemon.path('data/admin-key')).mode & 0o777).toBe(0o600)
  expect(daemon.log()).toContain('data/admin-key')
  expect(daemon.log()).not.toContain(key)
})

test('without the key nothing but the two health checks answers, and they tell no details', async () => {
  for (const path of ['/', '/channels', '/openapi.json', '/metrics', '/live.json', '/connections/status', '/nothing'])
    expect([path, (await daemon.get(path)).status]).toEqual([path, 401])
  expect(await (await daemon.get('/healthz')).json()).toEqual({ status: 'ok' })
  expect(await (await daemon.get('/readyz')).json()).toEqual({ status: 'ready', reasons: [] })
  for (const headers of [
    { 'x-api-key': `${key}x` },
    { authorization: 'Bearer wrong' },
    { authorization: `Basic ${key}` },
  ])
    expect((await call(daemon, 'GET', '/channels', undefined, headers)).status).toBe(401)
})

test('with it, in either header, one may do everything; what was done and what was refused stands in the log', async () => {
  expect((await call(daemon, 'GET', '/channels', undefined, { authorization: `Bearer ${key}` })).status).toBe(200)
  const refused = await call(daemon, 'PUT', '/log/level', { level: 'info' })
  expect(refused).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  const changed = await call(daemon, 'PUT', '/log/level', { level: 'info' }, { 'x-api-key': key })
  expect(changed.status).toBe(200)
  const published = await call(
    daemon,
    'POST',
    '/messages/publish',
    { channel_id: channel, payload: { temperature: 1, humidity: 2 }, parameters: { deviceId: '7' } },
    { 'x-api-key': key },
  )
  expect(published.status).toBe(202)
  await waitUntil(
    () => 'both are in the log',
    () => {
      const lines = daemon.logLines()
      const done = lines.find((line) => line.msg === 'audit' && line['action'] === 'log level')
      const turnedAway = lines.find((line) => line.code === 'unauthenticated' && line['needs'] === 'admin')
      return done?.['caller'] === 'admin' && turnedAway?.['path'] === '/log/level'
    },
  )
})

describe('a WebSocket', () => {
  test('opens with the key in a header, as a subprotocol, or with a ticket; else 401', async () => {
    const path = `/ws/${channel}`
    expect(await openSocket(path, [])).toBe(401)
    expect(await openSocket(path, ['bearer.wrong'])).toBe(401)
    expect(await openSocket(path, [`bearer.${key}`])).toBe('open')
    expect(await openSocket(path, [], { 'x-api-key': key })).toBe('open')
    const { body } = await call<{ ticket: string }>(daemon, 'POST', '/tickets', { path }, { 'x-api-key': key })
    expect(await openSocket(`${path}?ticket=${body.ticket}`, [])).toBe('open')
    expect(await openSocket(`${path}?ticket=${body.ticket}`, [])).toBe(401)
    expect((await call(daemon, 'POST', '/tickets', { path })).status).toBe(401)
  })
})

test('a stream opens with the key or with a ticket', async () => {
  await expect(openStream(daemon, '/messages/stream')).rejects.toThrow('401')
  const stream = await openStream(daemon, '/messages/stream', { 'x-api-key': key })
  stream.close()
  const ask = { path: '/messages/stream' }
  const { body } = await call<{ ticket: string }>(daemon, 'POST', '/tickets', ask, { 'x-api-key': key })
  const other = await openStream(daemon, `/messages/stream?ticket=${body.ticket}`)
  other.close()
})

test('the command line uses it', () => {
  expect(cli(['channels'])).toMatchObject({ code: 77 })
  expect(cli(['channels', '--api-key', key])).toMatchObject({ code: 0 })
  expect(cli(['channels'], { STEPFLOW_API_KEY: key })).toMatchObject({ code: 0 })
})

test('it is the same after a restart', async () => {
  await daemon.stop()
  await daemon.start()
  expect((await call(daemon, 'GET', '/channels', undefined, { 'x-api-key': key })).status).toBe(200)
})

test('one listener beyond loopback is enough, be it a device listener; MQTT itself stays as it is set', async () => {
  daemon.configure({
    broker: { listeners: [`mqtt://0.0.0.0:${daemon.mqttPort}`], anonymous: true },
    upstreams: {},
  })
  await daemon.stop()
  await daemon.start()
  expect((await daemon.get('/channels')).status).toBe(401)
  const client = await connectClient(daemon.mqttPort, { clientId: 'device' })
  await client.endAsync()
})

test('with a key file that holds none nobody gets in, the log says why, and devices are served', async () => {
  await daemon.stop()
  writeFileSync(daemon.path('data/admin-key'), 'nonsense')
  await daemon.start()
  expect((await call(daemon, 'GET', '/channels', undefined, { 'x-api-key': 'nonsense' })).status).toBe(401)
  expect(daemon.logLines().some((line) => line.code === 'store-unusable' && line.level === 'error')).toBe(true)
  const client = await connectClient(daemon.mqttPort, { clientId: 'device' })
  await client.endAsync()
})

test('HTTP beyond loopback without TLS is refused unless that is wanted', () => {
  const file = daemon.writeFile('open.yaml', `http: { url: 'http://0.0.0.0:${daemon.httpPort}' }\n`)
  const checked = cli(['check', '-c', file])
  expect(checked.code).toBe(78)
  expect(checked.out).toContain('insecure')
})

import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as readAll } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { call } from '../support/api.ts'
import { DaemonProcess } from '../support/daemon-process.ts'

interface Posted {
  id: string
  signature: string
  timestamp: string
  body: string
}

let posted: Posted[] = []
let status = 200
const receiver = createServer((request, response) => {
  readAll(request).then(
    (body) => {
      const header = (name: string): string => String(request.headers[`webhook-${name}`])
      if (status === 200)
        posted.push({ id: header('id'), signature: header('signature'), timestamp: header('timestamp'), body })
      response.writeHead(status).end()
    },
    () => response.destroy(),
  )
})
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
const host = `127.0.0.1:${(receiver.address() as AddressInfo).port}`

const daemon = await DaemonProcess.create()
let channel = ''

function configure(allow: readonly string[]): void {
  daemon.configure({
    http: { url: `http://127.0.0.1:${daemon.httpPort}`, callbacks: { allow } },
    upstreams: {},
    callLog: { record: 'all' },
    // Hardly anything of the past is kept.
    store: { directory: './data', maxBytes: '512MiB', history: { maxAge: '1s', maxBytes: '64KiB' } },
  })
}

beforeAll(async () => {
  configure([host])
  await daemon.start()
  const { body } = await call<{ items: { id: string }[] }>(daemon, 'GET', '/channels')
  channel = body.items[0]?.id ?? ''
})
beforeEach(() => {
  posted = []
  status = 200
})
afterAll(async () => {
  await daemon.remove()
  receiver.closeAllConnections()
  receiver.close()
})

async function publish(temperature: number, humidity = 40): Promise<string> {
  const payload = { temperature, humidity }
  const ask = { channel_id: channel, payload, parameters: { deviceId: '7' } }
  const { status: answered, body } = await call<{ id: string }>(daemon, 'POST', '/messages/publish', ask)
  expect(answered, JSON.stringify(body)).toBe(202)
  return body.id
}

function subscribe() {
  const ask = { channel_id: channel, callback_url: `http://${host}/hook` }
  return call<{ subscription_id: string; secret: string }>(daemon, 'POST', '/messages/subscribe', ask)
}

async function subscription(id: string): Promise<Record<string, unknown> | undefined> {
  const { body } = await call<{ items: Record<string, unknown>[] }>(daemon, 'GET', '/subscriptions')
  return body.items.find((one) => one['subscription_id'] === id)
}

async function becomes(id: string, state: string): Promise<Record<string, unknown>> {
  let seen: Record<string, unknown> | undefined
  await waitUntil(
    () => `${state}: ${JSON.stringify(seen)}`,
    async () => (seen = await subscription(id))?.['state'] === state,
  )
  return seen ?? {}
}

const arrived = (count: number): Promise<void> =>
  waitUntil(
    () => `${count} posts: ${JSON.stringify(posted)}`,
    () => posted.length >= count,
  )

test('each message is posted with a signature that the secret verifies; the secret is told once', async () => {
  const { status: created, body } = await subscribe()
  expect(created).toBe(201)
  const id = await publish(1)
  await arrived(1)
  const [first] = posted
  if (first === undefined) throw new Error('nothing was posted')
  expect(first.id).toBe(id)
  const key = Buffer.from(body.secret.replace('whsec_', ''), 'base64')
  const signed = createHmac('sha256', key).update(`${first.id}.${first.timestamp}.${first.body}`).digest('base64')
  expect(first.signature).toBe(`v1,${signed}`)
  expect(JSON.stringify(await call(daemon, 'GET', '/subscriptions'))).not.toContain(body.secret)
  await waitUntil(
    () => 'the attempt stands in the log of calls',
    async () => {
      const { body: calls } = await call<{ items: Record<string, unknown>[] }>(daemon, 'GET', '/calls?limit=10')
      const row = calls.items.find((one) => one['operation_type'] === 'subscribe')
      return JSON.stringify(row?.['broker_response']) === JSON.stringify({ [`http://${host}/hook`]: 'delivered' })
    },
  )
  expect((await call(daemon, 'DELETE', `/subscriptions/${body.subscription_id}`)).status).toBe(204)
})

test('a subscription without a callback is ended like any other', async () => {
  const { body } = await call<{ subscription_id: string; websocket_url: string }>(
    daemon,
    'POST',
    '/messages/subscribe',
    { channel_id: channel },
  )
  expect(body.websocket_url).toBe(`ws://127.0.0.1:${daemon.httpPort}/ws/${channel}`)
  expect((await call(daemon, 'DELETE', `/subscriptions/${body.subscription_id}`)).status).toBe(204)
  expect((await call(daemon, 'DELETE', '/subscriptions/other')).status).toBe(404)
})

test('a receiver that fails is retried; the subscription outlives a restart and goes on without loss', async () => {
  const { body } = await subscribe()
  status = 503
  const first = await publish(2)
  expect(await becomes(body.subscription_id, 'retrying')).toMatchObject({ reason: 'answered 503' })
  await daemon.stop()
  await daemon.start()
  status = 200
  const second = await publish(3)
  await arrived(2)
  expect(posted.map((one) => one.id)).toEqual([first, second])
  await becomes(body.subscription_id, 'active')
  await call(daemon, 'DELETE', `/subscriptions/${body.subscription_id}`)
})

test('it never holds the log: what has left it while the receiver was away is told as a gap', async () => {
  const { body } = await subscribe()
  status = 503
  await publish(4)
  await becomes(body.subscription_id, 'retrying')
  await daemon.stop()
  await daemon.start()
  // While it waits for another try these leave the history, which keeps a second.
  for (let i = 0; i < 80; i++) await publish(i)
  await new Promise((resolve) => setTimeout(resolve, 4_500))
  status = 200
  await waitUntil(
    () => `a gap: ${JSON.stringify(posted.map((one) => one.body))}`,
    () => posted.some((one) => one.body.includes('"type":"gap"')),
    60_000,
  )
  const gap = JSON.parse(posted.find((one) => one.body.includes('"type":"gap"'))?.body ?? '') as Record<string, unknown>
  expect(gap).toMatchObject({ type: 'gap', reason: 'expired' })
  expect(gap['missed']).toBeGreaterThan(0)
  const last = await publish(5)
  await waitUntil(
    () => 'what comes after it arrives',
    () => posted.some((one) => one.id === last),
    60_000,
  )
  await call(daemon, 'DELETE', `/subscriptions/${body.subscription_id}`)
})

test('a reload applies which hosts are allowed; 410 ends a subscription with its reason', async () => {
  const { body } = await subscribe()
  let from = daemon.log().length
  configure([])
  daemon.signal('SIGHUP')
  await daemon.logged('configuration and documents reloaded', from)
  expect(await subscription(body.subscription_id)).toMatchObject({ state: 'disabled' })
  expect(await subscribe()).toMatchObject({ status: 422, body: { code: 'callback-refused', field: 'callback_url' } })
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  from = daemon.log().length
  configure([host])
  daemon.signal('SIGHUP')
  await daemon.logged('configuration and documents reloaded', from)
  expect(await subscription(body.subscription_id)).toMatchObject({ state: 'active', reason: null })
  status = 410
  await publish(6)
  expect(await becomes(body.subscription_id, 'disabled')).toMatchObject({ reason: 'answered 410' })
})

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as readAll } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EdgeError } from '../../daemon/core/errors.ts'
import { silentLogger } from '../../daemon/core/logger.ts'
import { Callbacks } from '../../daemon/feed/callbacks.ts'
import type { CallbackAttempt } from '../../daemon/ports/callback.ts'
import { CallbackSender, sign } from '../../daemon/protocols/webhook/callback-sender.ts'
import { isAllowed, isPrivate } from '../../daemon/protocols/webhook/callback-target.ts'
import type { Op } from '../../daemon/store/log/batch.ts'
import type { SubscriptionRow } from '../../daemon/store/tables/subscriptions.ts'
import { FakeFeed, feedMessage } from '../http/streams/fake-feed.ts'
import { waitUntil } from '../servers/wait-until.ts'

interface Posted {
  headers: IncomingMessage['headers']
  body: string
}

type Answer = (response: ServerResponse) => void

const posted: Posted[] = []
let answers: Answer[] = []
const ok: Answer = (response) => void response.end()
const server = createServer((request, response) => {
  readAll(request).then(
    (body) => {
      posted.push({ headers: request.headers, body })
      ;(answers.shift() ?? ok)(response)
    },
    () => response.destroy(),
  )
})

let port = 0
let sender: CallbackSender
let callbacks: Callbacks
let feed: FakeFeed
let ops: Op[]
let nowMs: number
let runningMs = 0
let attempts: CallbackAttempt[] = []

beforeEach(async () => {
  posted.length = 0
  answers = []
  ops = []
  attempts = []
  nowMs = 1_700_000_000_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  sender = new CallbackSender()
  start([])
})
afterEach(async () => {
  callbacks.stop()
  sender.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

function start(rows: SubscriptionRow[], allow: readonly string[] = [`127.0.0.1:${port}`]): void {
  feed = new FakeFeed()
  callbacks = new Callbacks({
    feed,
    rows,
    allow,
    position: () => 'gw:store:0',
    post: (url, id, body, secret) => sender.post(url, id, body, secret, nowMs),
    put: (op) => void ops.push(op),
    attempted: (attempt) => void attempts.push(attempt),
    commit: (op) => {
      ops.push(op)
      return Promise.resolve()
    },
    wallMs: () => nowMs,
    runningMs: () => runningMs,
    // Retries come at once, or nearly.
    random: () => -0.998,
    logger: silentLogger,
  })
}

const url = (path = '/'): string => `http://127.0.0.1:${port}${path}`

async function arrived(count: number): Promise<void> {
  await waitUntil(
    () => `${count} posts, not ${posted.length}`,
    () => posted.length >= count,
  )
}

const row = (): SubscriptionRow | undefined => callbacks.list()[0]

test('every message is posted, in order, signed with the secret that was told once', async () => {
  const { secret } = await callbacks.create('channel', url())
  feed.emit(feedMessage(1), feedMessage(2))
  await arrived(2)
  expect(posted.map((one) => (JSON.parse(one.body) as { id: string }).id)).toEqual(['gw:store:1', 'gw:store:2'])
  const [first] = posted
  expect(first?.headers['webhook-id']).toBe('gw:store:1')
  const signed = `gw:store:1.${String(first?.headers['webhook-timestamp'])}.${first?.body ?? ''}`
  expect(first?.headers['webhook-signature']).toBe(sign(secret, signed))
  await waitUntil(
    () => 'both are counted',
    () => row()?.delivered === 2,
  )
  expect(row()).toMatchObject({ state: 'active', last_id: 'gw:store:2' })
})

test('what fails is posted again until it succeeds, and nothing behind it before', async () => {
  answers = [(response) => response.writeHead(500).end(), (response) => response.destroy(), ok, ok]
  await callbacks.create('channel', url())
  feed.emit(feedMessage(1), feedMessage(2))
  await arrived(4)
  const ids = posted.map((one) => one.headers['webhook-id'])
  expect(ids).toEqual(['gw:store:1', 'gw:store:1', 'gw:store:1', 'gw:store:2'])
  await waitUntil(
    () => 'it is well again',
    () => row()?.state === 'active',
  )
  expect(row()).toMatchObject({ reason: null, failing_since: null })
})

test('a redirect is a failure: its target was not allowed', async () => {
  answers = [(response) => response.writeHead(307, { location: url('/elsewhere') }).end()]
  await callbacks.create('channel', url())
  feed.emit(feedMessage(1))
  await arrived(2)
  expect(posted.every((one) => one.headers['webhook-id'] === 'gw:store:1')).toBe(true)
})

test('410 ends it at once; a day of failures too, with the reason', async () => {
  answers = [(response) => response.writeHead(410).end()]
  await callbacks.create('channel', url())
  feed.emit(feedMessage(1))
  await waitUntil(
    () => JSON.stringify(row()),
    () => row()?.state === 'disabled',
  )
  expect(row()?.reason).toBe('answered 410')
  expect(feed.subscribed).toEqual([])

  const other = await callbacks.create('channel', url())
  const mine = () => callbacks.list().find((one) => one.id === other.id)
  answers = Array.from({ length: 100 }, () => (response: ServerResponse) => void response.writeHead(503).end())
  feed.emit(feedMessage(2))
  await waitUntil(
    () => JSON.stringify(mine()),
    () => mine()?.state === 'retrying',
  )
  // A step of the wall clock is no time that passes.
  nowMs += 10 * 86_400_000
  await arrived(posted.length + 2)
  expect(mine()?.state).toBe('retrying')
  runningMs += 86_400_001
  await waitUntil(
    () => JSON.stringify(mine()),
    () => mine()?.state === 'disabled',
  )
  expect(mine()?.reason).toBe('answered 503, for a day')
})

test('a gap is posted too', async () => {
  await callbacks.create('channel', url())
  feed.subscribed[0]?.reader.gap({ after: 'gw:store:1', missed: 5, reason: 'expired' })
  await arrived(1)
  expect(JSON.parse(posted[0]?.body ?? '')).toEqual({ type: 'gap', after: 'gw:store:1', missed: 5, reason: 'expired' })
})

test('it takes a bounded number of messages at a time, and asks for more when they are gone', async () => {
  let release: (() => void) | undefined
  answers = [(response) => (release = () => void response.end())]
  await callbacks.create('channel', url())
  const taken = Array.from({ length: 200 }, (_, index) => feed.emit(feedMessage(index + 1)))
  expect(taken.filter((count) => count === 1)).toHaveLength(64)
  await arrived(1)
  release?.()
  await arrived(64)
  await waitUntil(
    () => 'it asks for more',
    () => (feed.subscribed[0]?.resumed ?? 0) > 0,
  )
})

test('each attempt to hand a message over is told, with what came of it', async () => {
  answers = [(response) => response.writeHead(503).end(), ok]
  await callbacks.create('channel', url())
  feed.emit(feedMessage(1))
  await arrived(2)
  await waitUntil(
    () => 'both are told',
    () => attempts.length === 2,
  )
  expect(attempts.map(({ event, channelId, result }) => [event.seq, channelId, result])).toEqual([
    [1, 'channel', { delivered: false, gone: false, reason: 'answered 503' }],
    [1, 'channel', { delivered: true }],
  ])
})

test('a receiver that does not answer is given up after its time; waiting for a turn does not count', async () => {
  sender.close()
  sender = new CallbackSender(400)
  answers = Array.from({ length: 8 }, () => () => undefined)
  // The first eight hold all connections to this host until their time is over; the ninth has its own time after that.
  const results = await Promise.all(
    Array.from({ length: 9 }, (_, index) => sender.post(new URL(url()), String(index), '{}', 'whsec_', nowMs)),
  )
  expect(results.slice(0, 8).every((one) => !one.delivered && one.reason === 'no answer within 0.4 s')).toBe(true)
  expect(results[8]).toEqual({ delivered: true })
})

test('a host that is not allowed any more stops its subscriptions; named again, they go on behind what was delivered', async () => {
  await callbacks.create('channel', url())
  feed.emit(feedMessage(3))
  await waitUntil(
    () => 'it is delivered',
    () => row()?.last_id === 'gw:store:3',
  )
  callbacks.allow(['elsewhere.example'])
  expect(row()).toMatchObject({ state: 'disabled', reason: 'http.callbacks.allow does not name its host any more' })
  expect(feed.subscribed).toEqual([])
  const refused: unknown = await callbacks.create('channel', url()).catch((reason: unknown) => reason)
  expect(refused).toMatchObject({ code: 'callback-refused' })
  callbacks.allow(['127.0.0.1'])
  expect(row()).toMatchObject({ state: 'active', reason: null })
  expect(feed.subscribed).toMatchObject([{ from: 'gw:store:3' }])
})

test('after a restart it goes on behind what was delivered', async () => {
  await callbacks.create('channel', url())
  feed.emit(feedMessage(7))
  await waitUntil(
    () => 'it is delivered',
    () => row()?.last_id === 'gw:store:7',
  )
  callbacks.stop()
  const saved = ops.flatMap((op) => (op.type === 'subscription' ? [op.row] : [])).at(-1)
  expect(saved).toMatchObject({ last_id: 'gw:store:7', delivered: 1 })
  if (saved === undefined) throw new Error('nothing was saved')
  start([saved])
  expect(feed.subscribed[0]).toMatchObject({ from: 'gw:store:7', filter: { channelId: 'channel' } })
  callbacks.stop()
  start([saved], [])
  expect(row()).toMatchObject({ state: 'disabled' })
  expect(feed.subscribed).toEqual([])
})

describe('a target', () => {
  test.each([
    ['http://127.0.0.1:1/', 'callback-refused'],
    ['http://example.com/', 'callback-refused'],
    ['ftp://127.0.0.1/', 'request-invalid'],
    ['http://user:secret@127.0.0.1/', 'request-invalid'],
    ['nonsense', 'request-invalid'],
  ])('%s is refused', async (target, code) => {
    const error: unknown = await callbacks.create('channel', target).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(EdgeError)
    expect((error as EdgeError).code).toBe(code)
    expect(callbacks.list()).toEqual([])
  })

  test.each([
    ['http://a.example.com/', ['*.example.com'], true],
    ['http://example.com/', ['*.example.com'], false],
    ['http://notexample.com/', ['*.example.com'], false],
    ['https://example.com/', ['example.com:443'], true],
    ['http://example.com/', ['example.com:443'], false],
    ['http://EXAMPLE.com:8080/', ['example.com'], true],
    ['http://[::1]:80/', ['[::1]'], true],
  ])('%s with %j allowed: %s', (target, allow, expected) => {
    expect(isAllowed(new URL(target), allow)).toBe(expected)
  })

  test('a name that leads inside is not connected to', async () => {
    // localhost by another name, on most systems; where it has none it is not found, which is as good.
    const result = await sender.post(new URL(`http://ip6-localhost:${port}/`), 'id', '{}', 'whsec_', nowMs)
    expect(result).toMatchObject({ delivered: false })
    expect(posted).toEqual([])
  })

  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.1',
    '::1',
    'fe80::1',
    'fd00::1',
    '::ffff:10.0.0.1',
  ])('%s is inside', (address) => expect(isPrivate(address)).toBe(true))

  test.each(['8.8.8.8', '172.32.0.1', '2001:db8::1'])('%s is outside', (address) =>
    expect(isPrivate(address)).toBe(false),
  )
})

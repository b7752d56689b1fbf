import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { TicketStore } from '../../../daemon/access/ticket-store.ts'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { silentLogger } from '../../../daemon/core/logger.ts'
import { MessageRefused } from '../../../daemon/core/refusal.ts'
import type { HttpServerOptions } from '../../../daemon/http/server/server.ts'
import { UpgradeRouter, type UpgradeRouterOptions } from '../../../daemon/http/streams/upgrade-router.ts'
import type { PublishRequest } from '../../../daemon/operations/publishing.ts'
import { waitUntil } from '../../servers/wait-until.ts'
import { createTestServer } from '../fake-ports.ts'
import { FakeFeed, feedMessage } from './fake-feed.ts'

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(options: Partial<UpgradeRouterOptions> = {}, server: Partial<HttpServerOptions> = {}) {
  const feed = new FakeFeed()
  const published: PublishRequest[] = []
  const upgrades = new UpgradeRouter({
    feed,
    channel: (id) => {
      if (id !== 'channel') throw new EdgeError('not-found', `There is no channel ${id}.`)
    },
    publish: (request) => {
      published.push(request)
      return Promise.resolve({ id: `gw:store:${published.length}`, topic: 't' })
    },
    acceptMqtt: () => true,
    logger: silentLogger,
    ...options,
  })
  const http = createTestServer({}, { upgrades, ...server })
  const url = (await http.listen()).replace('http', 'ws')
  closing.push(() => http.close(0))
  return { feed, published, upgrades, url, http }
}

interface Client {
  socket: WebSocket
  frames: Record<string, unknown>[]
}

async function open(url: string, protocols: string[] = [], headers: Record<string, string> = {}): Promise<Client> {
  const socket = new WebSocket(url, protocols, { headers })
  closing.push(() => socket.terminate())
  const frames: Record<string, unknown>[] = []
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString()) as Record<string, unknown>))
  await once(socket, 'open')
  return { socket, frames }
}

/** The status and code of a refused upgrade. */
async function refusal(url: string, protocols: string[] = [], headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, protocols, { headers })
  socket.on('error', () => undefined)
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const { code } = JSON.parse(Buffer.concat(chunks).toString()) as { code: string }
  return [response.statusCode, code]
}

async function answered({ frames }: Client, count: number): Promise<void> {
  await waitUntil(
    () => `${count} frames, not ${JSON.stringify(frames)}`,
    () => frames.length >= count,
  )
}

describe('/ws/{channel_id}', () => {
  test('sends messages to its client', async () => {
    const { feed, url } = await start()
    const client = await open(`${url}/ws/channel?from=gw:store:3`)
    await waitUntil(
      () => 'subscribed',
      () => feed.subscribed.length === 1,
    )
    expect(feed.subscribed[0]).toMatchObject({ from: 'gw:store:3', filter: { channelId: 'channel' } })
    feed.emit(feedMessage(4), feedMessage(5, { payload: Buffer.from('x'.repeat(70_000)), contentType: 'text/plain' }))
    await answered(client, 2)
    expect(client.frames[0]).toEqual({
      type: 'message',
      id: 'gw:store:4',
      topic: 'device/1/data',
      payload: { n: 4 },
      headers: {},
      receivedAt: '2026-01-01T00:00:00.000Z',
    })
    expect(Buffer.from(String(client.frames[1]?.['payloadBase64']), 'base64')).toHaveLength(70_000)
  })

  test('accepts publications and answers each, in their order', async () => {
    const { published, url } = await start({
      publish: async ({ payload }) => {
        const { n } = payload as { n: number }
        if (n === 2)
          throw new MessageRefused('payload-invalid', [{ pointer: '/n', keyword: 'type', expected: 'a', actual: 'b' }])
        // The first is slower than the second.
        if (n === 1) await new Promise((resolve) => setTimeout(resolve, 20))
        return { id: `id-${n}`, topic: 't' }
      },
    })
    const client = await open(`${url}/ws/channel`)
    for (const n of [1, 2, 3]) client.socket.send(JSON.stringify({ type: 'publish', ref: n, payload: { n } }))
    await answered(client, 3)
    expect(client.frames).toMatchObject([
      { type: 'ack', ref: 1, id: 'id-1' },
      { type: 'error', ref: 2, code: 'payload-invalid', errors: [{ pointer: '/n' }] },
      { type: 'ack', ref: 3, id: 'id-3' },
    ])
    expect(published).toEqual([])
  })

  test.each([
    ['no JSON', 'nonsense'],
    ['no object', '[1]'],
    ['another type', '{"type":"subscribe"}'],
    ['no payload', '{"type":"publish"}'],
    ['two payloads', '{"type":"publish","payload":1,"payloadBase64":"AA=="}'],
    ['headers that are no texts', '{"type":"publish","payload":1,"headers":{"a":1}}'],
  ])('answers %s with an error and stays open', async (_what, frame) => {
    const { published, url } = await start()
    const client = await open(`${url}/ws/channel`)
    client.socket.send(frame)
    client.socket.send('{"type":"publish","ref":"next","payload":{}}')
    await answered(client, 2)
    expect(client.frames).toMatchObject([
      { type: 'error', code: 'request-invalid' },
      { type: 'ack', ref: 'next' },
    ])
    expect(published).toHaveLength(1)
  })

  test('answers hundreds of publications that arrive at once', async () => {
    const { url } = await start()
    const client = await open(`${url}/ws/channel`)
    for (let ref = 0; ref < 500; ref++) client.socket.send(JSON.stringify({ type: 'publish', ref, payload: {} }))
    await answered(client, 500)
    expect(client.frames.map((frame) => frame['ref'])).toEqual(Array.from({ length: 500 }, (_, ref) => ref))
  })

  test('ends a client that does not answer a ping', async () => {
    const { upgrades, url } = await start({ pingMs: 30 })
    const socket = new WebSocket(`${url}/ws/channel`, { autoPong: false })
    await once(socket, 'close')
    await waitUntil(
      () => 'it is gone',
      () => upgrades.count === 0,
    )
  })

  test('tells its clients when the gateway stops', async () => {
    const { http, url } = await start()
    const { socket } = await open(`${url}/ws/channel`)
    const closed = once(socket, 'close')
    await http.close(2_000)
    expect((await closed)[0]).toBe(1001)
  })
})

test('fifty stalled clients hold at most a megabyte each and are ended, while others continue', async () => {
  const { feed, upgrades, url } = await start({ pingMs: 100 })
  const deaf = await Promise.all(Array.from({ length: 50 }, () => open(`${url}/ws/channel`)))
  for (const { socket } of deaf) socket.pause()
  const client = await open(`${url}/ws/channel`)
  await waitUntil(
    () => 'all are there',
    () => feed.subscribed.length === 51,
  )
  await feed.flood(1)
  for (const { reader } of feed.subscribed)
    expect((Reflect.get(reader, 'stream') as Duplex).writableLength).toBeLessThan(1024 * 1024)
  await waitUntil(
    () => `${upgrades.count} are left`,
    () => upgrades.count === 1,
  )
  expect(client.frames.length).toBeGreaterThan(0)
})

describe('an upgrade is refused', () => {
  test.each([
    ['a channel that is not there', '/ws/none', {}, [404, 'not-found']],
    ['a path that is none', '/elsewhere', {}, [404, 'not-found']],
    ['a foreign host', '/ws/channel', { host: 'evil.example.com' }, [421, 'host-unknown']],
    ['a foreign origin', '/ws/channel', { origin: 'https://evil.example.com' }, [403, 'origin-foreign']],
    ['MQTT without its subprotocol', '/mqtt', {}, [400, 'request-invalid']],
  ])('for %s', async (_what, path, headers, expected) => {
    const { url } = await start()
    expect(await refusal(url + path, [], headers)).toEqual(expected)
  })

  test('without an identity, and accepted with a token or a ticket', async () => {
    const tickets = new TicketStore(() => 0)
    const { url } = await start(
      {},
      {
        authorize: ({ headers, caller }) =>
          Promise.resolve(
            caller ??
              (headers['authorization'] === 'Bearer secret' ? { name: 'ops', admin: false } : 'unauthenticated'),
          ),
        ticket: (ticket, path) => tickets.redeem(ticket, path),
      },
    )
    expect(await refusal(`${url}/ws/channel`)).toEqual([401, 'unauthenticated'])
    const { socket } = await open(`${url}/ws/channel`, ['stepflow', 'bearer.secret'])
    expect(socket.protocol).toBe('stepflow')
    const { ticket } = tickets.issue('/ws/channel', { name: 'ops', admin: false }) ?? { ticket: '' }
    await open(`${url}/ws/channel?ticket=${ticket}`)
    expect(await refusal(`${url}/ws/channel?ticket=${ticket}`)).toEqual([401, 'unauthenticated'])
  })
})

describe('/mqtt', () => {
  test('passes the bytes of the client to the broker', async () => {
    const streams: Duplex[] = []
    const { url } = await start({ acceptMqtt: (stream) => streams.push(stream) > 0 })
    const socket = new WebSocket(`${url}/mqtt`, ['mqtt'])
    closing.push(() => socket.terminate())
    await once(socket, 'open')
    expect(socket.protocol).toBe('mqtt')
    socket.send(Buffer.from([0x10, 0x00]))
    const [stream] = streams
    if (stream === undefined) throw new Error('no stream')
    const [bytes] = (await once(stream, 'data')) as [Buffer]
    expect([...bytes]).toEqual([0x10, 0x00])
    expect(Reflect.get(stream, 'remoteAddress')).toContain('127.0.0.1')
  })

  test('closes a client that sends text, and one above the connection limit of the broker', async () => {
    const { url } = await start()
    const socket = new WebSocket(`${url}/mqtt`, ['mqtt'])
    await once(socket, 'open')
    socket.send('text')
    expect((await once(socket, 'close'))[0]).toBe(1003)
    const full = await start({ acceptMqtt: () => false })
    const refused = new WebSocket(`${full.url}/mqtt`, ['mqtt'])
    expect((await once(refused, 'close'))[0]).toBe(1013)
  })
})

describe('a ticket', () => {
  test('is valid for one use, one path and 30 seconds', () => {
    let nowMs = 0
    const tickets = new TicketStore(() => nowMs)
    const caller = { name: 'ops', admin: false }
    const draw = (): string => tickets.issue('/ws/a', caller)?.ticket ?? ''
    const used = draw()
    expect(tickets.redeem(used, '/ws/a')).toEqual(caller)
    expect(tickets.redeem(used, '/ws/a')).toBeUndefined()
    const elsewhere = draw()
    expect(tickets.redeem(elsewhere, '/ws/b')).toBeUndefined()
    expect(tickets.redeem(elsewhere, '/ws/a')).toBeUndefined()
    const late = draw()
    nowMs = 30_001
    expect(tickets.redeem(late, '/ws/a')).toBeUndefined()
  })
})

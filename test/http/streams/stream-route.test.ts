import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import type { HttpServer } from '../../../daemon/http/server/server.ts'
import { StreamRoute, type StreamRouteOptions } from '../../../daemon/http/streams/stream-route.ts'
import { waitUntil } from '../../servers/wait-until.ts'
import { createTestServer } from '../fake-ports.ts'
import { FakeFeed, feedMessage } from './fake-feed.ts'

const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(options: Partial<StreamRouteOptions> = {}) {
  const feed = new FakeFeed()
  const channel = (id: string): void => {
    if (id !== 'channel') throw new EdgeError('not-found', `There is no channel ${id}.`)
  }
  const route = new StreamRoute({ feed, channel, ...options })
  const server: HttpServer = createTestServer({}, { routes: [route.routes] })
  const url = await server.listen()
  closing.push(() => server.close(0))
  return { feed, route, url, server }
}

/** A client that reads raw bytes, or reads nothing. */
async function open(
  url: string,
  path: string,
  headers = '',
  read = true,
): Promise<{ socket: Socket; text: () => string }> {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  closing.push(() => void socket.destroy())
  let text = ''
  socket.on('error', () => undefined)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`)
  if (read) socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return { socket, text: () => text }
}

describe('a stream', () => {
  test('sends events of each kind', async () => {
    const { feed, url } = await start()
    const { text } = await open(url, '/messages/stream')
    await waitUntil(
      () => 'it is open',
      () => feed.subscribed.length === 1,
    )
    feed.emit(feedMessage(1, { payload: Buffer.from('{"n": 1.50}') }), {
      kind: 'deadletter',
      event: {
        id: '4',
        destination: 'bus',
        messageId: 'm',
        topic: 't',
        channelIds: [],
        code: 'message-refused',
        answer: 'no',
        at: 'now',
      },
    })
    await waitUntil(
      () => `both: ${text()}`,
      () => text().includes('event: deadletter'),
    )
    expect(text()).toContain('content-type: text/event-stream')
    expect(text()).toContain(
      'id: gw:store:1\nevent: message\ndata: {"id":"gw:store:1","topic":"device/1/data","payload":{"n": 1.50},',
    )
    expect(text()).toContain('event: deadletter\ndata: {"id":"4","destination":"bus"')
  })

  test('keeps frames intact with line ends in a payload, and sends other bytes than JSON in base64', async () => {
    const { feed, url } = await start()
    const { text } = await open(url, '/messages/stream')
    await waitUntil(
      () => 'it is open',
      () => feed.subscribed.length === 1,
    )
    feed.emit(
      feedMessage(1, { payload: Buffer.from('{\n"n":\r\n1}') }),
      feedMessage(2, { payload: Buffer.from([255, 0]) }),
    )
    await waitUntil(
      () => `both: ${text()}`,
      () => text().includes('gw:store:2'),
    )
    expect(text()).toContain('"payload":{ "n":  1}')
    expect(text()).toContain('"payloadBase64":"/wA="')
  })

  test('passes filter, channel and last id to the feed', async () => {
    const { feed, url } = await start()
    await open(url, '/messages/stream?channel_id=channel&kind=message,rejected', 'Last-Event-ID: gw:store:7\r\n')
    await waitUntil(
      () => 'it is open',
      () => feed.subscribed.length === 1,
    )
    const [one] = feed.subscribed
    expect(one?.from).toBe('gw:store:7')
    expect(one?.filter).toEqual({ kinds: new Set(['message', 'rejected']), channelId: 'channel' })
  })

  test('reports missed events', async () => {
    const { feed, url } = await start()
    const { text } = await open(url, '/messages/stream')
    await waitUntil(
      () => 'it is open',
      () => feed.subscribed.length === 1,
    )
    feed.subscribed[0]?.reader.gap({ after: 'gw:store:1', missed: 3, reason: 'expired' })
    await waitUntil(
      () => text(),
      () => text().includes('event: gap'),
    )
    expect(text()).toContain('data: {"after":"gw:store:1","missed":3,"reason":"expired"}')
  })

  test('sends heartbeats while it has no events', async () => {
    const { url } = await start({ heartbeatMs: 20 })
    const { text } = await open(url, '/messages/stream')
    await waitUntil(
      () => text(),
      () => text().includes('\n: \n\n'),
    )
  })

  test('ends when the server closes, which does not wait for it', async () => {
    const { feed, url, server } = await start()
    const { socket } = await open(url, '/messages/stream')
    await waitUntil(
      () => 'it is open',
      () => feed.subscribed.length === 1,
    )
    const ended = new Promise((resolve) => socket.once('close', resolve))
    await server.close(5_000)
    await ended
    expect(feed.subscribed).toEqual([])
  })

  test.each([
    ['/messages/stream?kind=everything', 400],
    ['/messages/stream?channel_id=none', 404],
    ['/messages/stream?unknown=1', 400],
  ])('%s is %i', async (path, status) => {
    const { url } = await start()
    expect((await fetch(url + path)).status).toBe(status)
  })

  test('above the limit is answered with 429', async () => {
    const { feed, url } = await start({ maxStreams: 1 })
    await open(url, '/messages/stream')
    await waitUntil(
      () => 'it is open',
      () => feed.subscribed.length === 1,
    )
    expect((await fetch(`${url}/messages/stream`)).status).toBe(429)
  })
})

test('fifty stalled readers hold at most a megabyte each and are cut off, while others continue', async () => {
  const { feed, route, url } = await start({ heartbeatMs: 50 })
  for (let count = 0; count < 50; count++) await open(url, '/messages/stream', '', false)
  const { text } = await open(url, '/messages/stream')
  await waitUntil(
    () => 'all are open',
    () => feed.subscribed.length === 51,
  )
  await feed.flood(1)
  const sizes = feed.subscribed.map(
    ({ reader }) => (Reflect.get(reader, 'response') as { writableLength: number }).writableLength,
  )
  for (const size of sizes) expect(size).toBeLessThan(1024 * 1024)
  await waitUntil(
    () => `${route.cutOff} are cut off`,
    () => route.cutOff === 50,
  )
  await waitUntil(
    () => 'the one that reads is left',
    () => feed.subscribed.length === 1,
  )
  expect(text()).toContain(`id: gw:store:1\n`)
})

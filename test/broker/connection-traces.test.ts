import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConnectionTraces } from '../../daemon/broker/connection-traces.ts'
import { FakeClock } from '../../daemon/core/clock.ts'
import type { BrokerSettings } from '../../daemon/settings/sections/broker-settings.ts'
import { waitUntil } from '../servers/wait-until.ts'
import {
  connectPacket,
  disconnectPacket,
  publishPacket,
  PUBACK,
  RawMqtt,
  SUBACK,
  subscribePacket,
} from '../support/raw-mqtt.ts'
import { BrokerWorld } from './broker-world.ts'

let world: BrokerWorld

beforeEach(async () => {
  world = await BrokerWorld.create()
})

afterEach(() => world.close())

async function again(settings: Partial<BrokerSettings>): Promise<void> {
  await world.close()
  world = await BrokerWorld.create({ settings })
}

/** Sends the bytes and waits until the broker has closed the connection. */
async function closedAfter(...packets: Buffer[]): Promise<RawMqtt> {
  const client = new RawMqtt(world.port)
  client.send(...packets)
  await client.gone()
  return client
}

const address = '127.0.0.1'

describe('a connection that is not let in leaves a line with client, address and reason, and a count', () => {
  test('MQTT 5, which is answered in its own form', async () => {
    const client = await closedAfter(connectPacket({ clientId: 'v5', level: 5 }))
    expect([...client.raw]).toEqual([0x20, 3, 0, 0x84, 0])
    expect(world.traces()).toMatchObject([{ client: 'v5', address, reason: 'version', level: 'warn' }])
    expect(world.counts()).toEqual({ refused: { version: 1 }, closed: {} })
  })

  test('credentials that are not known', async () => {
    const client = await closedAfter(connectPacket({ clientId: 'x', username: 'mallory' }))
    expect([...client.raw]).toEqual([0x20, 2, 0, 5])
    expect(world.traces()).toMatchObject([{ client: 'x', address, reason: 'credentials' }])
    expect(world.counts()).toEqual({ refused: { credentials: 1 }, closed: {} })
  })

  test('no client id without a clean session, which is answered with 2', async () => {
    const client = await closedAfter(connectPacket({ clientId: '', clean: false }))
    expect([...client.raw]).toEqual([0x20, 2, 0, 2])
    expect(world.traces()).toMatchObject([{ client: null, address, reason: 'client-id' }])
    expect(world.counts()).toEqual({ refused: { 'client-id': 1 }, closed: {} })
    expect((await RawMqtt.open(world.port, { clientId: '', clean: true })).client.closed).toBe(false)
  })

  test.each(['a/+', '#', 'a/b#'])('a will on %s, which is never published', async (topic) => {
    const client = await closedAfter(connectPacket({ clientId: 'x', will: { topic, payload: 'gone', retain: true } }))
    expect(client.raw).toHaveLength(0)
    expect(world.traces()).toMatchObject([{ client: 'x', address, reason: 'will-topic', topic }])
    expect(world.counts()).toEqual({ refused: { 'will-topic': 1 }, closed: {} })
    expect(world.published).toEqual([])
  })

  test('a keep-alive over the limit', async () => {
    await again({ keepaliveLimitMs: 60_000 })
    await closedAfter(connectPacket({ clientId: 'x', keepAlive: 61 }))
    expect(world.counts()).toEqual({ refused: { 'keep-alive-limit': 1 }, closed: {} })
  })

  test('more connections than are allowed', async () => {
    await again({ maxConnections: 1 })
    await RawMqtt.open(world.port)
    await closedAfter()
    expect(world.traces()).toMatchObject([{ client: null, address, reason: 'connection-limit' }])
    expect(world.counts()).toEqual({ refused: { 'connection-limit': 1 }, closed: {} })
  })

  test('no CONNECT in time', async () => {
    await again({ connectTimeoutMs: 50 })
    await closedAfter()
    expect(world.traces()).toMatchObject([{ client: null, address, reason: 'connect-timeout' }])
    expect(world.counts()).toEqual({ refused: { 'connect-timeout': 1 }, closed: {} })
  })

  test.each([
    ['something else than MQTT', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['another packet first', publishPacket('a', 'x')],
    ['a CONNECT of an unknown version', connectPacket({ level: 9 })],
  ])('%s', async (_what, bytes) => {
    await closedAfter(bytes)
    expect(world.traces()).toMatchObject([{ client: null, address, reason: 'packet' }])
    expect(world.counts()).toEqual({ refused: { packet: 1 }, closed: {} })
  })
})

describe('a connection that the broker closes leaves a line with client, address and reason, and a count', () => {
  test.each(['zigbee2mqtt/white #1', 'a/+/b'])('a topic with a wildcard: %s', async (topic) => {
    const { client } = await RawMqtt.open(world.port, { clientId: 'z' })
    client.send(publishPacket(topic, 'x', { qos: 1 }))
    await client.gone()
    expect(world.traces()).toMatchObject([{ client: 'z', address, reason: 'protocol' }])
    expect(world.counts()).toEqual({ refused: {}, closed: { protocol: 1 } })
    expect(world.published).toEqual([])
  })

  test('a second connection with its client id', async () => {
    const { client } = await RawMqtt.open(world.port, { clientId: 'twin' })
    const { client: other } = await RawMqtt.open(world.port, { clientId: 'twin' })
    await client.gone()
    expect(other.closed).toBe(false)
    expect(world.traces()).toMatchObject([{ client: 'twin', address, by: address, reason: 'takeover' }])
    expect(world.counts()).toEqual({ refused: {}, closed: { takeover: 1 } })
  })

  test('a packet that is not well formed', async () => {
    const { client } = await RawMqtt.open(world.port, { clientId: 'x' })
    client.send(Buffer.from([0xf0, 0]))
    await client.gone()
    expect(world.traces()).toMatchObject([{ client: 'x', reason: 'packet' }])
    expect(world.counts()).toEqual({ refused: {}, closed: { packet: 1 } })
  })

  test('a second CONNECT', async () => {
    const { client } = await RawMqtt.open(world.port, { clientId: 'x' })
    client.send(connectPacket({ clientId: 'x' }))
    await client.gone()
    expect(world.counts()).toEqual({ refused: {}, closed: { packet: 1 } })
  })

  test('a packet over maxPacketSize', async () => {
    const { client } = await RawMqtt.open(world.port, { clientId: 'big' })
    client.send(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]))
    await client.gone()
    expect(world.traces()).toMatchObject([
      { client: 'big', address, reason: 'packet-size', declaredBytes: 268_435_460 },
    ])
    expect(world.counts()).toEqual({ refused: {}, closed: { 'packet-size': 1 } })
    expect(world.broker.closedForSize).toBe(1)
  })

  test('a keep-alive that runs out', async () => {
    const { client } = await RawMqtt.open(world.port, { clientId: 'mute', keepAlive: 1 })
    await client.gone()
    expect(world.traces()).toMatchObject([{ client: 'mute', address, reason: 'keep-alive' }])
    expect(world.counts()).toEqual({ refused: {}, closed: { 'keep-alive': 1 } })
  })

  test('a subscriber that does not read', async () => {
    await again({ drainTimeoutMs: 100 })
    const { client } = await RawMqtt.open(world.port, { clientId: 'frozen' })
    client.send(subscribePacket(1, { a: 0 }))
    await client.received(SUBACK)
    client.socket.pause()
    const payload = Buffer.alloc(1024 * 1024)
    await waitUntil(
      () => 'it is closed',
      () => {
        if (world.counts().closed.hasOwnProperty('not-reading')) return true
        world.broker.deliver('a', payload, 0, false)
        return false
      },
    )
    expect(world.traces()).toMatchObject([{ client: 'frozen', address, reason: 'not-reading' }])
    client.socket.destroy()
  })

  test('a message that closes the connection', async () => {
    world.outcome = 'disconnect'
    const { client } = await RawMqtt.open(world.port, { clientId: 'x' })
    client.send(publishPacket('a', 'x', { qos: 1 }))
    await client.gone()
    expect(client.packets(PUBACK)).toHaveLength(1)
    expect(world.counts()).toEqual({ refused: {}, closed: { 'message-refused': 1 } })
  })

  test.each([1, 2] as const)('a message of QoS %d that cannot be stored; its will is not published', async (qos) => {
    world.outcome = 'unavailable'
    const will = { topic: 'will', payload: 'gone' }
    const { client } = await RawMqtt.open(world.port, { clientId: 'x', will })
    client.send(publishPacket('a', 'x', { qos }))
    await client.gone()
    expect(world.traces()).toMatchObject([{ client: 'x', address, reason: 'not-stored' }])
    expect(world.published.map(({ topic }) => topic)).toEqual(['a'])
  })
})

describe('a client that leaves by itself', () => {
  test.each([
    ['with DISCONNECT', [disconnectPacket]],
    ['with DISCONNECT right behind its messages', [publishPacket('a', 'x', { qos: 1 }), disconnectPacket]],
    ['without DISCONNECT', []],
  ])('%s is counted nowhere', async (_how, packets) => {
    const { client } = await RawMqtt.open(world.port)
    client.end(...packets)
    await client.gone()
    await waitUntil(
      () => 'it is gone',
      () => world.broker.clients === 0,
    )
    expect(world.counts()).toEqual({ refused: {}, closed: {} })
    expect(world.traces()).toEqual([])
  })
})

test('row 31: a client that is refused for ever leaves at most one line a second', async () => {
  world.outcome = 'disconnect'
  const start = performance.now()
  for (let times = 0; times < 40; times++) {
    const { client } = await RawMqtt.open(world.port, { clientId: 'stubborn' })
    client.send(publishPacket('a', 'x', { qos: 1 }))
    await client.gone()
  }
  const seconds = (performance.now() - start) / 1_000
  expect(world.counts().closed).toEqual({ 'message-refused': 40 })
  // Its first connection was nothing special yet.
  expect(world.lines.length).toBeLessThanOrEqual(2 + Math.ceil(seconds))
})

describe('lines', () => {
  test('are one a second for each client, with how many were left out, and bounded over all clients', () => {
    const clock = new FakeClock()
    const lines: object[] = []
    const warn = (fields: object): void => void lines.push(fields)
    const traces = new ConnectionTraces(clock, { debug: warn, info: warn, warn, error: warn })
    const who = (client: string): { client: string; address: string } => ({ client, address })
    for (let times = 0; times < 3; times++) traces.closed(who('one'), 'takeover')
    traces.refused(who('other'), 'credentials')
    expect(lines).toHaveLength(2)
    expect([traces.isRecent(who('one')), traces.isRecent(who('third'))]).toEqual([true, false])
    clock.advance(1_000)
    traces.closed(who('one'), 'takeover')
    expect(lines.at(-1)).toMatchObject({ client: 'one', reason: 'takeover', suppressed: 2 })
    for (let number = 0; number < 100; number++) traces.refused(who(`client-${number}`), 'version')
    expect(lines).toHaveLength(22)
    expect(Object.fromEntries(traces.refusedBy.entries())).toEqual({ credentials: 1, version: 100 })
  })
})

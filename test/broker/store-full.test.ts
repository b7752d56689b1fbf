import { afterEach, beforeEach, expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { PUBACK, PUBLISH, publishPacket, PUBREC, RawMqtt, SUBACK, subscribePacket } from '../support/raw-mqtt.ts'
import { BrokerWorld } from './broker-world.ts'

let world: BrokerWorld

beforeEach(async () => {
  world = await BrokerWorld.create()
  world.full = true
})

afterEach(() => world.close())

const will = { topic: 'will', payload: 'gone' }

async function handedIn(count: number): Promise<void> {
  await waitUntil(
    () => `${count} messages handed in, ${world.published.length} were`,
    () => world.published.length >= count,
  )
}

test.each([1, 2] as const)(
  'while the store is full a message of QoS %d is held for half the keep-alive, then its connection is closed without its will',
  async (qos) => {
    world.outcome = undefined
    const { client } = await RawMqtt.open(world.port, { clientId: 'held', keepAlive: 2, will })
    const start = performance.now()
    client.send(publishPacket('a', 'x', { qos }))
    await client.gone()
    // Half of 2 s, and the time between two checks.
    expect(performance.now() - start).toBeGreaterThan(900)
    expect(performance.now() - start).toBeLessThan(2_500)
    expect(world.traces()).toMatchObject([{ client: 'held', reason: 'store-full' }])
    expect(world.broker.closedWhileFull).toBe(1)
    expect(client.packets(PUBACK)).toEqual([])
    expect(client.packets(PUBREC)).toEqual([])
    expect(world.published.map(({ topic }) => topic)).toEqual(['a'])
  },
)

test('while the store is full a client of QoS 0 is not closed, and what it sends later is taken from it', async () => {
  world.outcome = undefined
  const { client } = await RawMqtt.open(world.port, { clientId: 'sensor', keepAlive: 2, will })
  // More than is read ahead of the store's answers.
  const large = 'x'.repeat(60_000)
  client.send(publishPacket('a', large), publishPacket('a', large))
  await handedIn(2)
  world.outcome = 'dropped'
  const start = performance.now()
  await waitUntil(
    () => 'it is read from again',
    () => {
      client.send(publishPacket('a', 'later'))
      return performance.now() - start > 4_000
    },
  )
  expect(client.closed).toBe(false)
  expect(world.traces()).toEqual([])
  expect(world.published.filter(({ payload }) => payload.length === 5).length).toBeGreaterThan(50)
  expect(world.published.every(({ topic }) => topic === 'a')).toBe(true)
})

test.each([
  [0, undefined],
  [1, PUBACK],
  [2, PUBREC],
] as const)(
  'a message of QoS %d that is dropped is acknowledged, and neither delivered nor retained',
  async (qos, ack) => {
    const { client: listener } = await RawMqtt.open(world.port, { clientId: 'listener' })
    listener.send(subscribePacket(1, { '#': 0 }))
    await listener.received(SUBACK)
    world.outcome = 'dropped'
    const { client } = await RawMqtt.open(world.port)
    client.send(publishPacket('a', 'dropped', { qos, retain: true }))
    await handedIn(1)
    if (ack !== undefined) await client.received(ack)
    world.broker.deliver('b', Buffer.from('end'), 0, false)
    listener.send(subscribePacket(2, { a: 0 }))
    await listener.received(SUBACK, 1)
    await listener.received(PUBLISH)
    expect(listener.packets(PUBLISH).map(({ body }) => body.toString('utf8', 3))).toEqual(['end'])
    expect(client.closed).toBe(false)
  },
)

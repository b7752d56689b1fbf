import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import {
  disconnectPacket,
  PUBLISH,
  publishPacket,
  PUBACK,
  pubrecPacket,
  PUBREL,
  RawMqtt,
  readPublish,
  SUBACK,
  subscribePacket,
  UNSUBACK,
  unsubscribePacket,
} from '../support/raw-mqtt.ts'
import { BrokerWorld } from './broker-world.ts'

let world: BrokerWorld

beforeEach(async () => {
  world = await BrokerWorld.create()
})

afterEach(() => world.close())

async function subscriber(filters: Record<string, 0 | 1 | 2>, clientId = 'listener', clean = true): Promise<RawMqtt> {
  const { client } = await RawMqtt.open(world.port, { clientId, clean })
  client.send(subscribePacket(1, filters))
  await client.received(SUBACK)
  return client
}

function heard(client: RawMqtt): string[] {
  return client.packets(PUBLISH).map((one) => readPublish(one).payload)
}

async function handedIn(count: number): Promise<void> {
  await waitUntil(
    () => `${count} messages handed in`,
    () => world.published.length >= count,
  )
}

async function hears(client: RawMqtt, payloads: string[]): Promise<void> {
  await waitUntil(
    () => `heard ${payloads.join()}, got ${heard(client).join()}`,
    () => heard(client).length >= payloads.length,
    10_000,
  )
  expect(heard(client)).toEqual(payloads)
}

describe('a message of a device that disconnects before its commit', () => {
  test.each([0, 1, 2] as const)('of QoS %d reaches local subscribers', async (qos) => {
    const listener = await subscriber({ 'a/#': 2 })
    world.outcome = undefined
    const { client } = await RawMqtt.open(world.port)
    client.end(publishPacket('a/b', 'x', { qos }), disconnectPacket)
    await client.gone()
    await handedIn(1)
    world.answer('deliver')
    await hears(listener, ['x'])
  })

  test.each([0, 1, 2] as const)('of QoS %d becomes the retained message', async (qos) => {
    world.outcome = undefined
    const { client } = await RawMqtt.open(world.port)
    client.end(publishPacket('a/b', 'x', { qos, retain: true }), disconnectPacket)
    await client.gone()
    await handedIn(1)
    world.answer('deliver')
    await hears(await subscriber({ 'a/b': 0 }), ['x'])
  })

  test.each(['set-aside', 'dropped', 'unavailable'] as const)('reaches no one if it is %s', async (outcome) => {
    const listener = await subscriber({ 'a/#': 1 })
    world.outcome = undefined
    const { client } = await RawMqtt.open(world.port)
    client.end(publishPacket('a/b', 'refused', { qos: 1, retain: true }), disconnectPacket)
    await client.gone()
    await handedIn(1)
    world.answer(outcome)
    world.broker.deliver('a/b', Buffer.from('after'), 1, false)
    await hears(listener, ['after'])
    const later = await subscriber({ 'a/#': 1 }, 'later')
    world.broker.deliver('a/b', Buffer.from('end'), 1, false)
    await hears(later, ['end'])
  })
})

test('messages of one commit are delivered in its order, whatever their QoS and retain flag', async () => {
  const listener = await subscriber({ 'a/#': 2 })
  world.outcome = undefined
  const { client } = await RawMqtt.open(world.port)
  const kinds = [
    { qos: 1, retain: false },
    { qos: 0, retain: false },
    { qos: 2, retain: true },
    { qos: 0, retain: true },
    { qos: 0, retain: false },
    { qos: 1, retain: true },
    { qos: 2, retain: false },
    { qos: 0, retain: false },
  ] as const
  client.send(...kinds.map((kind, index) => publishPacket('a/b', String(index), { ...kind, id: index + 1 })))
  await handedIn(kinds.length)
  const order = world.payloads()
  world.answer('deliver')
  await hears(listener, order)
  const newest = order.findLast((payload) => kinds[Number(payload)]?.retain)
  await hears(await subscriber({ 'a/b': 0 }, 'later'), [newest ?? ''])
})

test('an acknowledged message reaches a subscriber that has more than its publisher can send ahead', async () => {
  const listener = await subscriber({ 'a/#': 1 })
  const { client } = await RawMqtt.open(world.port)
  const count = 500
  const payload = (index: number): string => `${index} ${'x'.repeat(1_000)}`
  client.send(...Array.from({ length: count }, (_, at) => publishPacket('a/b', payload(at), { qos: 1, id: at + 1 })))
  await client.received(PUBACK, count - 1)
  await waitUntil(
    () => `${count} messages, ${heard(listener).length} came`,
    () => heard(listener).length === count,
  )
  expect(heard(listener)).toEqual(Array.from({ length: count }, (_, at) => payload(at)))
  const ids = client.packets(PUBACK).map(({ body }) => body.readUInt16BE(0))
  expect(ids).toEqual(Array.from({ length: count }, (_, at) => at + 1))
})

describe('who listens', () => {
  test('is not muted by another client that unsubscribes from the same filter twice', async () => {
    const listener = await subscriber({ 'a/+': 1 })
    const other = await subscriber({ 'a/+': 1 }, 'other')
    other.send(unsubscribePacket(2, 'a/+'), unsubscribePacket(3, 'a/+'), unsubscribePacket(4, 'a/+'))
    await other.received(UNSUBACK, 2)
    const { client } = await RawMqtt.open(world.port)
    client.send(publishPacket('a/b', 'x', { qos: 1 }))
    await hears(listener, ['x'])
    expect(heard(other)).toEqual([])
  })

  test('is not muted by its own UNSUBSCRIBE before a SUBSCRIBE in the same segment', async () => {
    const listener = await subscriber({ 'a/+': 1 })
    listener.send(unsubscribePacket(2, 'a/+'), subscribePacket(3, { 'a/+': 1 }))
    await listener.received(SUBACK, 1)
    world.broker.deliver('a/b', Buffer.from('x'), 1, false)
    await hears(listener, ['x'])
  })

  test('gets nothing of a filter that was denied beside a granted one, not after coming back either', async () => {
    const first = await subscriber({ '$SYS/#': 1, '$stepflow/clients/other/#': 1, a: 1 }, 'keeper', false)
    expect([...(await first.received(SUBACK)).body.subarray(2)]).toEqual([128, 128, 1])
    await first.destroy()
    world.broker.deliver('$stepflow/clients/other/rejected', Buffer.from('of another'), 1, false)
    world.broker.deliver('a', Buffer.from('x'), 1, false)
    const { client, sessionPresent } = await RawMqtt.open(world.port, { clientId: 'keeper', clean: false })
    expect(sessionPresent).toBe(true)
    world.broker.deliver('$stepflow/clients/other/rejected', Buffer.from('of another'), 1, false)
    world.broker.deliver('a', Buffer.from('y'), 0, false)
    await hears(client, ['x', 'y'])
  })

  test('a wildcard at the start of a filter takes no topic that starts with $: online, offline, retained', async () => {
    const listener = await subscriber({ '+/x': 1 }, 'keeper', false)
    world.broker.deliver('$aws/x', Buffer.from('hidden'), 1, true)
    world.broker.deliver('a/x', Buffer.from('1'), 1, false)
    await hears(listener, ['1'])
    await listener.destroy()
    world.broker.deliver('$aws/x', Buffer.from('hidden'), 1, false)
    world.broker.deliver('a/x', Buffer.from('2'), 1, false)
    const { client } = await RawMqtt.open(world.port, { clientId: 'keeper', clean: false })
    client.send(subscribePacket(9, { '#': 0 }))
    world.broker.deliver('a/x', Buffer.from('3'), 0, false)
    await hears(client, ['1', '2', '3'])
    await hears(await subscriber({ '$aws/#': 1 }, 'direct'), ['hidden'])
  })
})

describe('a topic that starts with $', () => {
  test('is published and subscribed to as any other', async () => {
    const listener = await subscriber({ '$aws/things/+/shadow/update': 1 })
    const { client } = await RawMqtt.open(world.port)
    client.send(publishPacket('$aws/things/a1/shadow/update', 'x', { qos: 1 }))
    await hears(listener, ['x'])
  })

  test.each(['$SYS/#', '$SYS', '$stepflow/#', '$stepflow/clients/+/rejected', '$share/group/a', 'a+', 'a#'])(
    'a SUBSCRIBE to %s is not granted',
    async (filter) => {
      const { body } = await (await subscriber({ [filter]: 1 })).received(SUBACK)
      expect(body[2]).toBe(128)
      expect(world.traces()).toMatchObject([{ message: 'subscription refused', client: 'listener', filter }])
    },
  )

  test('a client may subscribe to its own notices, by its percent-encoded id', async () => {
    const { body } = await (await subscriber({ '$stepflow/clients/a%2Fb/#': 1 }, 'a/b')).received(SUBACK)
    expect(body[2]).toBe(1)
  })
})

describe('a retained message of QoS 2', () => {
  test.each([true, false])('keeps its QoS over a restart, for clean session %s', async (clean) => {
    await world.close()
    world = await BrokerWorld.create({ retained: [{ topic: 'a/b', payload: Buffer.from('x'), qos: 2 }] })
    const listener = await subscriber({ 'a/b': 2 }, 'listener', clean)
    const { qos, id, payload } = readPublish(await listener.received(PUBLISH))
    expect([qos, payload]).toEqual([2, 'x'])
    listener.send(pubrecPacket(id))
    const { body } = await listener.received(PUBREL)
    expect(body.readUInt16BE(0)).toBe(id)
    expect(listener.closed).toBe(false)
  })
})

test('two messages of QoS 2 that a session has received and not released are both released when it comes back', async () => {
  const listener = await subscriber({ 'a/b': 2 }, 'keeper', false)
  for (const payload of ['1', '2']) world.broker.deliver('a/b', Buffer.from(payload), 2, false)
  await listener.received(PUBLISH, 1)
  const ids = listener.packets(PUBLISH).map((one) => readPublish(one).id)
  listener.send(...ids.map((id) => pubrecPacket(id)))
  await listener.received(PUBREL, 1)
  await listener.destroy()
  const { client } = await RawMqtt.open(world.port, { clientId: 'keeper', clean: false })
  await client.received(PUBREL, 1)
  expect(client.packets(PUBREL).map(({ body }) => body.readUInt16BE(0))).toEqual(ids)
  expect(heard(client)).toEqual([])
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  PUBCOMP,
  PUBREC,
  publishPacket,
  pubrelPacket,
  RawMqtt,
  SUBACK,
  subscribePacket,
  type RawConnect,
} from '../../support/raw-mqtt.ts'
import { BrokerWorld } from '../broker-world.ts'

let world: BrokerWorld

beforeEach(async () => {
  world = await BrokerWorld.create()
})

afterEach(() => world.close())

const DEVICE: RawConnect = { clientId: 'dev7', clean: false }

async function publish(client: RawMqtt, payload: string, dup = false): Promise<void> {
  const before = client.packets(PUBREC).length
  client.send(publishPacket('list/up', payload, { qos: 2, id: 1, dup }))
  await client.received(PUBREC, before)
}

async function release(client: RawMqtt): Promise<void> {
  const before = client.packets(PUBCOMP).length
  client.send(pubrelPacket(1))
  await client.received(PUBCOMP, before)
}

test('a session with an open packet id is resumed: its message is not stored twice, a new one under the id is stored', async () => {
  const first = await RawMqtt.open(world.port, DEVICE)
  expect(first.sessionPresent).toBe(false)
  await publish(first.client, 'A')
  await first.client.destroy()
  const second = await RawMqtt.open(world.port, DEVICE)
  expect(second.sessionPresent).toBe(true)
  // Not every client library sets DUP.
  await publish(second.client, 'A')
  await publish(second.client, 'A', true)
  expect(world.payloads()).toEqual(['A'])
  await publish(second.client, 'B')
  await release(second.client)
  expect(world.payloads()).toEqual(['A', 'B'])
  await publish(second.client, 'A')
  expect(world.payloads()).toEqual(['A', 'B', 'A'])
})

test.each([
  ['a clean session', { ...DEVICE, clean: true }],
  ['the id of another client', { ...DEVICE, clientId: 'dev8' }],
])('%s knows no packet ids of before', async (_what, options) => {
  const first = await RawMqtt.open(world.port, DEVICE)
  await publish(first.client, 'A')
  await first.client.destroy()
  const { client, sessionPresent } = await RawMqtt.open(world.port, options)
  expect(sessionPresent).toBe(false)
  await publish(client, 'A', true)
  expect(world.payloads()).toEqual(['A', 'A'])
})

test('a session whose packet ids are all released is not kept for them', async () => {
  const first = await RawMqtt.open(world.port, DEVICE)
  await publish(first.client, 'A')
  await release(first.client)
  await first.client.destroy()
  expect((await RawMqtt.open(world.port, DEVICE)).sessionPresent).toBe(false)
})

test('a client that is refused does not end the session of the client id that it gives', async () => {
  const first = await RawMqtt.open(world.port, DEVICE)
  await publish(first.client, 'A')
  await first.client.destroy()
  const { client: stranger } = await RawMqtt.open(world.port, { ...DEVICE, clean: true, username: 'mallory' })
  await stranger.gone()
  const { client, sessionPresent } = await RawMqtt.open(world.port, DEVICE)
  expect(sessionPresent).toBe(true)
  await publish(client, 'A', true)
  expect(world.payloads()).toEqual(['A'])
})

test('a session with subscriptions is resumed with its open packet id', async () => {
  const { client: first } = await RawMqtt.open(world.port, DEVICE)
  first.send(subscribePacket(1, { 'commands/#': 1 }))
  await first.received(SUBACK)
  await publish(first, 'A')
  await first.destroy()
  const { client, sessionPresent } = await RawMqtt.open(world.port, DEVICE)
  expect(sessionPresent).toBe(true)
  await publish(client, 'A', true)
  expect(world.payloads()).toEqual(['A'])
})

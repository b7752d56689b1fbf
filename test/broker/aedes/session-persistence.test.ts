import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'
import type { AedesPublishPacket, Client } from 'aedes'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { stateOf } from '../../../daemon/broker/aedes/clients.ts'
import { NOWHERE } from '../../../daemon/broker/aedes/nowhere.ts'
import { sessionPersistence, type Persistence } from '../../../daemon/broker/aedes/session-persistence.ts'
import { Audience } from '../../../daemon/broker/sessions/audience.ts'
import { IncomingIds } from '../../../daemon/broker/sessions/incoming-ids.ts'

/** Methods that Aedes calls beside those that the broker does. */
interface Full extends Persistence {
  setup(broker: object): Promise<void>
  incomingStorePacket(client: Client, packet: AedesPublishPacket): Promise<void>
  incomingGetPacket(client: Client, packet: object): Promise<object>
  incomingDelPacket(client: Client, packet: object): Promise<void>
  cleanIncoming(client: Client): Promise<void>
}

const memory = createRequire(import.meta.url)('aedes-persistence') as () => Full

let asked: { packet: AedesPublishPacket; answer: (error?: Error) => void }[]
let forgotten: string[]
let forgetDone: (() => void)[]
let denied: string[]
let audience: Audience
let persistence: Full

function open(incoming: ReadonlyMap<string, ReadonlySet<number>> = new Map(), maxRetained = 3): Full {
  return sessionPersistence({
    take: (_client, packet) =>
      new Promise((resolve, reject) => {
        asked.push({ packet, answer: (error) => (error === undefined ? resolve() : reject(error)) })
      }),
    isGranted: ({ topic }) => !denied.includes(topic),
    incoming: new IncomingIds({
      incoming,
      retained: [],
      rememberIncoming: (clientId, packetId) => void forgotten.push(`${clientId} +${packetId}`),
      forgetIncoming: (clientId, packetId, done) => {
        forgotten.push(`${clientId} ${packetId}`)
        forgetDone.push(done)
      },
      clearIncoming: (clientId) => void forgotten.push(`${clientId} *`),
    }),
    limits: { maxRetained },
    audience,
  }) as Full
}

beforeEach(() => {
  asked = []
  forgotten = []
  forgetDone = []
  denied = []
  audience = new Audience()
  persistence = open()
})

function client(id = 'pump'): Client {
  return Object.assign(new EventEmitter(), { id, conn: new PassThrough() }) as object as Client
}

function packet(messageId: number, topic = 'a/b', payload = 'x'): AedesPublishPacket {
  const flags = { qos: 2, retain: false, dup: false, brokerId: 'b', brokerCounter: 1 } as const
  return { cmd: 'publish', topic, payload: Buffer.from(payload), messageId, ...flags }
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = (): void => void (settled = true)
  promise.then(settle, settle)
  await new Promise((resolve) => setImmediate(resolve))
  return settled
}

describe('a QoS 2 message', () => {
  test('is not acknowledged before its commit', async () => {
    const stored = persistence.incomingStorePacket(client(), packet(7))
    expect(await isSettled(stored)).toBe(false)
    asked[0]?.answer()
    await stored
  })

  test('that is sent again while it is being stored waits for the same commit', async () => {
    const device = client()
    const stored = persistence.incomingStorePacket(device, packet(7))
    const again = persistence.incomingGetPacket(device, packet(7))
    expect(await isSettled(again)).toBe(false)
    asked[0]?.answer()
    await Promise.all([stored, again])
    expect(asked).toHaveLength(1)
  })

  test('that could not be stored is not acknowledged, and its packet id stays unknown', async () => {
    const device = client()
    const stored = persistence.incomingStorePacket(device, packet(7))
    asked[0]?.answer(new Error('not stored'))
    await expect(stored).rejects.toThrow('not stored')
    await expect(persistence.incomingGetPacket(device, packet(7))).rejects.toThrow('no such packet')
  })

  test('with another content than the one that its packet id stands for is a new one', async () => {
    const device = client()
    const stored = persistence.incomingStorePacket(device, packet(7, 'a/b', 'A'))
    asked[0]?.answer()
    await stored
    await expect(persistence.incomingGetPacket(device, packet(7, 'a/b', 'B'))).rejects.toThrow('no such packet')
    await expect(persistence.incomingGetPacket(device, packet(7, 'a/c', 'A'))).rejects.toThrow('no such packet')
    await persistence.incomingGetPacket(device, { ...packet(7, 'a/b', 'A'), dup: true })
  })

  test('that was stored before a restart is known by its packet id and DUP, of its own client only', async () => {
    persistence = open(new Map([['pump', new Set([7])]]))
    const again = { ...packet(7), dup: true }
    await expect(persistence.incomingGetPacket(client(), packet(7))).rejects.toThrow('no such packet')
    expect(await persistence.incomingGetPacket(client(), again)).toMatchObject({ messageId: 7 })
    await expect(persistence.incomingGetPacket(client('other'), again)).rejects.toThrow('no such packet')
    expect(asked).toEqual([])
  })
})

test('PUBREL is answered only when the stored packet id is gone', async () => {
  persistence = open(new Map([['pump', new Set([7])]]))
  const deleted = persistence.incomingDelPacket(client(), packet(7))
  expect(forgotten).toEqual(['pump 7'])
  expect(await isSettled(deleted)).toBe(false)
  forgetDone[0]?.()
  await deleted
  await expect(persistence.incomingDelPacket(client(), packet(7))).rejects.toThrow('no such packet')
})

test('the packet ids of a session that ends are removed, once', async () => {
  persistence = open(new Map([['pump', new Set([7, 8])]]))
  await persistence.cleanIncoming(client())
  await persistence.cleanIncoming(client())
  await persistence.cleanIncoming(client('stranger'))
  expect(forgotten).toEqual(['pump *'])
})

test('the packet ids of a session survive a refused client that gives its id', async () => {
  persistence = open(new Map([['pump', new Set([7])]]))
  const stranger = client()
  stateOf(stranger).refused = true
  await persistence.cleanIncoming(stranger)
  expect(forgotten).toEqual([])
})

test('filters that are not granted are not kept', async () => {
  denied = ['secret/#']
  const both = [
    { topic: 'secret/#', qos: 1 },
    { topic: 'a', qos: 1 },
  ] as const
  await persistence.addSubscriptions(client(), both)
  expect((await persistence.subscriptionsByClient(client())).map(({ topic }) => topic)).toEqual(['a'])
  expect(audience.hears('secret/1')).toBe(false)
})

test('sessions that outlive their connection count as subscribers until they unsubscribe or end', async () => {
  const subscriptions = [
    { topic: 'a/+', qos: 1 },
    { topic: 'b', qos: 1 },
  ] as const
  await persistence.addSubscriptions(client(), subscriptions)
  expect([audience.hears('a/1'), audience.hears('b')]).toEqual([true, true])
  await persistence.removeSubscriptions(client(), ['b'])
  expect([audience.hears('a/1'), audience.hears('b')]).toEqual([true, false])
  await persistence.cleanSubscriptions(client())
  expect(audience.hears('a/1')).toBe(false)
})

test('beyond the limit no further topic is retained, but known ones are replaced and removed', async () => {
  persistence = open(new Map(), 2)
  const retain = (topic: string, payload: string): Promise<void> => persistence.storeRetained(packet(0, topic, payload))
  for (const topic of ['one', 'two', 'three']) await retain(topic, 'first')
  await retain('one', 'second')
  expect(await retained(persistence)).toEqual(['one second', 'two first'])
  await retain('two', '')
  await retain('three', 'third')
  expect(await retained(persistence)).toEqual(['one second', 'three third'])
})

async function retained(from: Full): Promise<string[]> {
  const found: string[] = []
  for await (const one of from.createRetainedStream('#')) found.push(`${one.topic} ${String(one.payload)}`)
  return found.toSorted()
}

/** With every message stored at once, and below the limits, it behaves as the library's own memory persistence. */
test('answers as the memory persistence of aedes-persistence does', async () => {
  const id = fc.integer({ min: 1, max: 3 })
  const name = fc.constantFrom('pump', 'valve')
  const topics = fc.uniqueArray(fc.constantFrom('a', 'a/+', 'b/#'), { minLength: 1 })
  const step = fc.oneof(
    fc.record({ do: fc.constantFrom('store', 'get', 'delete'), name, id }),
    fc.record({ do: fc.constantFrom('clean', 'unsubscribeAll', 'listSubscriptions'), name }),
    fc.record({ do: fc.constantFrom('subscribe', 'unsubscribe'), name, topics }),
    fc.record({ do: fc.constant('retain'), topics, payload: fc.constantFrom('', 'x', 'y') }),
  )
  type Step = Partial<{ id: number; name: string; topics: string[]; payload: string }> & { do: string }
  const run = async (
    target: Full,
    { do: what, name: of = 'pump', id: messageId = 0, ...rest }: Step,
  ): Promise<unknown> => {
    const one = client(of)
    const filters = rest.topics ?? []
    if (what === 'store') return target.incomingStorePacket(one, packet(messageId))
    if (what === 'get') return (await target.incomingGetPacket(one, { messageId })) !== undefined
    if (what === 'delete') return target.incomingDelPacket(one, { messageId })
    if (what === 'clean') return target.cleanIncoming(one)
    if (what === 'unsubscribeAll') return target.cleanSubscriptions(one)
    // Open packet ids are a session, too, which Aedes sees by a subscription to nothing.
    if (what === 'listSubscriptions')
      return (await target.subscriptionsByClient(one)).filter(({ topic }) => topic !== NOWHERE)
    if (what === 'unsubscribe') return target.removeSubscriptions(one, filters)
    if (what === 'retain') return target.storeRetained(packet(0, filters[0], rest.payload))
    return target.addSubscriptions(
      one,
      filters.map((topic) => ({ topic, qos: 1 }) as const),
    )
  }
  const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => String(error))
  const stored = {
    rememberIncoming: () => undefined,
    forgetIncoming: (_c: string, _p: number, done: () => void) => done(),
    clearIncoming: () => undefined,
  }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const ours = sessionPersistence({
        take: () => Promise.resolve(),
        incoming: new IncomingIds({ incoming: new Map(), retained: [], ...stored }),
        isGranted: () => true,
        limits: { maxRetained: 100 },
        audience: new Audience(),
      }) as Full
      const library = memory()
      for (const one of [ours, library]) await one.setup({ id: 'broker' })
      for (const one of steps) expect(await outcome(run(ours, one))).toEqual(await outcome(run(library, one)))
      expect(await retained(ours)).toEqual(await retained(library))
    }),
    { numRuns: 200 },
  )
})

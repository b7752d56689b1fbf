import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'
import type { AedesPublishPacket, Client, Subscription } from 'aedes'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { sessionPersistence, type Persistence } from '../../../daemon/broker/aedes/session-persistence.ts'
import { Audience } from '../../../daemon/broker/sessions/audience.ts'
import type { PublishInput, PublishOutcome } from '../../../daemon/ports/publication.ts'

/** Methods that Aedes calls beside those that the broker does. */
interface Full extends Persistence {
  setup(broker: object): Promise<void>
  incomingStorePacket(client: Client, packet: AedesPublishPacket): Promise<void>
  incomingGetPacket(client: Client, packet: object): Promise<object>
  incomingDelPacket(client: Client, packet: object): Promise<void>
  cleanIncoming(client: Client): Promise<void>
  subscriptionsByClient(client: Client): Promise<Subscription[]>
  createRetainedStream(pattern: string): AsyncIterable<AedesPublishPacket>
}

const memory = createRequire(import.meta.url)('aedes-persistence') as () => Full

let asked: { input: PublishInput; answer: (outcome: PublishOutcome) => void }[]
let forgotten: string[]
let forgetDone: (() => void)[]
let refused: string[]
let audience: Audience
let persistence: Full

function open(incoming: ReadonlyMap<string, ReadonlySet<number>> = new Map(), maxRetained = 3): Full {
  return sessionPersistence({
    publish: (input, answer) => void asked.push({ input, answer }),
    store: {
      incoming,
      retained: [],
      forgetIncoming: (clientId, packetId, done) => {
        forgotten.push(`${clientId} ${packetId}`)
        forgetDone.push(done)
      },
      clearIncoming: (clientId) => void forgotten.push(`${clientId} *`),
    },
    limits: { maxRetained },
    audience,
    onRefused: ({ id }, outcome) => void refused.push(`${id} ${outcome}`),
  }) as Full
}

beforeEach(() => {
  asked = []
  forgotten = []
  forgetDone = []
  refused = []
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
  test('is not acknowledged before its commit, and reaches the publish port with its packet id', async () => {
    const stored = persistence.incomingStorePacket(client(), packet(7))
    expect(asked[0]?.input).toMatchObject({ topic: 'a/b', qos: 2, clientId: 'pump', packetId: 7, retain: false })
    expect(await isSettled(stored)).toBe(false)
    asked[0]?.answer('deliver')
    await stored
  })

  test('that is sent again while it is being stored waits for the same commit', async () => {
    const device = client()
    const stored = persistence.incomingStorePacket(device, packet(7))
    const again = persistence.incomingGetPacket(device, packet(7))
    expect(await isSettled(again)).toBe(false)
    asked[0]?.answer('deliver')
    await Promise.all([stored, again])
    expect(asked).toHaveLength(1)
  })

  test('that could not be stored is not acknowledged, and its packet id stays unknown', async () => {
    const device = client()
    const stored = persistence.incomingStorePacket(device, packet(7))
    asked[0]?.answer('unavailable')
    await expect(stored).rejects.toThrow('not stored')
    await expect(persistence.incomingGetPacket(device, packet(7))).rejects.toThrow('no such packet')
    expect(refused).toEqual(['pump unavailable'])
  })

  test('that is set aside is acknowledged and delivered nowhere', async () => {
    const sent = packet(7)
    const stored = persistence.incomingStorePacket(client(), sent)
    asked[0]?.answer('set-aside')
    await stored
    expect([sent.topic, sent.payload.length, sent.qos, sent.messageId]).toEqual(['$stepflow/nowhere', 0, 2, 7])
    expect(refused).toEqual([])
  })

  test('that ends the connection is stored before the client is refused', async () => {
    const stored = persistence.incomingStorePacket(client(), packet(7))
    asked[0]?.answer('disconnect')
    await stored
    expect(refused).toEqual(['pump disconnect'])
  })

  test('that was stored before a restart is known by its packet id, of its own client only', async () => {
    persistence = open(new Map([['pump', new Set([7])]]))
    expect(await persistence.incomingGetPacket(client(), packet(7))).toMatchObject({ messageId: 7 })
    await expect(persistence.incomingGetPacket(client('other'), packet(7))).rejects.toThrow('no such packet')
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
    if (what === 'listSubscriptions') return target.subscriptionsByClient(one)
    if (what === 'unsubscribe') return target.removeSubscriptions(one, filters)
    if (what === 'retain') return target.storeRetained(packet(0, filters[0], rest.payload))
    return target.addSubscriptions(
      one,
      filters.map((topic) => ({ topic, qos: 1 }) as const),
    )
  }
  const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => String(error))
  const stored = {
    forgetIncoming: (_c: string, _p: number, done: () => void) => done(),
    clearIncoming: () => undefined,
  }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const ours = sessionPersistence({
        publish: (_input, done) => done('deliver'),
        store: { incoming: new Map(), retained: [], ...stored },
        limits: { maxRetained: 100 },
        audience: new Audience(),
        onRefused: () => undefined,
      }) as Full
      const library = memory()
      for (const one of [ours, library]) await one.setup({ id: 'broker' })
      for (const one of steps) expect(await outcome(run(ours, one))).toEqual(await outcome(run(library, one)))
      expect(await retained(ours)).toEqual(await retained(library))
    }),
    { numRuns: 200 },
  )
})

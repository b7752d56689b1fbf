import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type {
  IncomingAdapter,
  OutgoingAdapter,
  OutgoingMessage,
  ProtocolAdapter,
} from '../../daemon/protocols/adapter.ts'
import type { TcpProxy } from '../servers/tcp-proxy.ts'
import { outgoing, range } from './outgoing.ts'

/** One implementation under test, with a real server behind it. */
export interface Subject<Config> {
  create(): ProtocolAdapter<Config>
  config(): Config
  /** An address without messages. */
  newAddress(): Promise<string>
  /** The `n` of the payloads that arrived at an address, in order, repeats included. */
  arrived(address: string): Promise<number[]>
  /** A message that this server refuses for good; absent where there is none. */
  poison?: (n: number, address: string) => OutgoingMessage
  /** The link to the server; absent where there is no network. */
  link?: () => TcpProxy
  /** The deadline in `config`. */
  deadlineMs: number
  /** Whether the protocol can subscribe. */
  canSubscribe: boolean
  stop(): Promise<void>
}

/** The contracts of OutgoingAdapter and IncomingAdapter, for every protocol. */
export function adapterSuite<Config>(name: string, start: () => Promise<Subject<Config>>): void {
  describe(`${name} as a ProtocolAdapter`, () => {
    let subject: Subject<Config>
    let adapter: OutgoingAdapter<Config>

    beforeAll(async () => {
      subject = await start()
    })
    afterAll(() => subject.stop())
    afterEach(async () => {
      const link = subject.link?.()
      if (link !== undefined) link.fault = 'none'
      await adapter.disconnect()
    })

    const connected = async () => {
      const created = subject.create()
      adapter = created
      await adapter.connect(subject.config())
      return created
    }
    const publish = async (address: string, from: number, to: number) => {
      const outcomes = await adapter.publish(
        null,
        range(from, to).map((n) => outgoing(n, { address })),
      )
      return outcomes.map(({ status }) => status)
    }

    test('connect and disconnect may be called repeatedly', async () => {
      await connected()
      await adapter.disconnect()
      await adapter.disconnect()
      await adapter.connect(subject.config())
      await adapter.connect(subject.config())
      const address = await subject.newAddress()
      expect(await publish(address, 1, 1)).toEqual(['accepted'])
    })

    test('publish answers for every message, and accepted messages arrive in order', async () => {
      await connected()
      const address = await subject.newAddress()
      for (const from of [1, 101, 201]) {
        expect(await publish(address, from, from + 99)).toEqual(range(1, 100).map(() => 'accepted'))
      }
      expect(await publish(address, 301, 300)).toEqual([])
      expect(await subject.arrived(address)).toEqual(range(1, 300))
    })

    test('a channel that is given to publish replaces the address of every message', async () => {
      await connected()
      const address = await subject.newAddress()
      const outcomes = await adapter.publish(address, [outgoing(1, { address: 'elsewhere' })])
      expect(outcomes).toEqual([{ status: 'accepted' }])
    })

    test('publishing without a connection keeps the messages', async () => {
      adapter = subject.create()
      expect(await publish('anywhere', 1, 2)).toEqual(['kept', 'kept'])
    })

    test('a message that is refused for good is rejected, and the others arrive', async ({ skip }) => {
      const { poison } = subject
      if (poison === undefined) return skip('this protocol refuses no message')
      await connected()
      const address = await subject.newAddress()
      const messages = range(1, 50).map((n) => (n === 17 || n === 50 ? poison(n, address) : outgoing(n, { address })))
      const outcomes = await adapter.publish(null, messages)
      const rejected = range(1, 50).filter((n) => outcomes[n - 1]?.status === 'rejected')
      expect(rejected).toEqual([17, 50])
      expect(outcomes.filter(({ status }) => status === 'accepted')).toHaveLength(48)
      expect(await subject.arrived(address)).toEqual(range(1, 49).filter((n) => n !== 17))
    })

    test('a mute server keeps the messages after the deadline at the latest, and the next link accepts them', async ({
      skip,
    }) => {
      const link = subject.link?.()
      if (link === undefined) return skip('there is no network')
      await connected()
      const address = await subject.newAddress()
      await publish(address, 1, 1)
      link.fault = 'swallow'
      const began = performance.now()
      const outcomes = await adapter.publish(null, [outgoing(2, { address }), outgoing(3, { address })])
      expect(outcomes).toMatchObject([2, 3].map(() => ({ status: 'kept', error: { code: 'upstream-timeout' } })))
      expect(performance.now() - began).toBeLessThan(subject.deadlineMs + 1000)
      link.fault = 'none'
      link.sever()
      expect(await publish(address, 2, 3)).toEqual(['accepted', 'accepted'])
    })

    test('connecting to a mute server fails within the deadline', async ({ skip }) => {
      const link = subject.link?.()
      if (link === undefined) return skip('there is no network')
      link.fault = 'swallow'
      adapter = subject.create()
      const began = performance.now()
      await expect(adapter.connect(subject.config())).rejects.toMatchObject({
        code: 'upstream-timeout',
        retryable: true,
      })
      expect(performance.now() - began).toBeLessThan(subject.deadlineMs + 1000)
    })

    test('a link that cuts off the answers loses no message and keeps the order', async ({ skip }) => {
      const link = subject.link?.()
      if (link === undefined) return skip('there is no network')
      await connected()
      const address = await subject.newAddress()
      await publish(address, 1, 10)
      link.fault = 'cut-answers'
      expect(new Set(await publish(address, 11, 20))).toEqual(new Set(['kept']))
      link.fault = 'none'
      await untilAccepted(() => publish(address, 11, 20))
      await publish(address, 21, 30)
      expect(firstOccurrences(await subject.arrived(address))).toEqual(range(1, 30))
    })

    test('the same adapter delivers again after an outage', async ({ skip }) => {
      const link = subject.link?.()
      if (link === undefined) return skip('there is no network')
      await connected()
      const address = await subject.newAddress()
      for (const round of range(1, 3)) {
        link.fault = 'refuse'
        link.sever()
        expect(new Set(await publish(address, round, round))).toEqual(new Set(['kept']))
        link.fault = 'none'
        await untilAccepted(() => publish(address, round, round))
      }
      expect(firstOccurrences(await subject.arrived(address))).toEqual([1, 2, 3])
    })

    test('disconnect leaves nothing open', async () => {
      await connected()
      const address = await subject.newAddress()
      await publish(address, 1, 1)
      await adapter.disconnect()
      await sleep(50)
      const before = openDescriptors()
      for (const round of range(1, 10)) {
        await adapter.connect(subject.config())
        await publish(address, round, round)
        await adapter.disconnect()
      }
      await expect.poll(openDescriptors, { timeout: 3000 }).toBeLessThanOrEqual(before)
    })

    test('a subscription calls back for each message that is published from then on, in order', async ({ skip }) => {
      if (!subject.canSubscribe) return skip('this protocol cannot subscribe')
      await connected()
      const incoming: IncomingAdapter<Config> = subject.create()
      await incoming.connect(subject.config())
      const address = await subject.newAddress()
      await publish(address, 1, 5)
      const received: number[] = []
      await incoming.subscribe(address, ({ payload }) => {
        const { n }: { n: number } = JSON.parse(Buffer.from(payload).toString())
        received.push(n)
        return Promise.resolve()
      })
      await publish(address, 6, 10)
      await expect.poll(() => firstOccurrences(received), { timeout: 20_000 }).toEqual(range(6, 10))
      await incoming.disconnect()
    })

    test('a protocol that cannot subscribe says so', async ({ skip }) => {
      if (subject.canSubscribe) return skip('this protocol can subscribe')
      const incoming: IncomingAdapter<Config> = await connected()
      const subscribed = incoming.subscribe('anywhere', () => Promise.resolve())
      await expect(subscribed).rejects.toMatchObject({ code: 'unsupported', retryable: false })
    })
  })
}

/** Sends kept messages again, as the forwarder does. */
async function untilAccepted(send: () => Promise<string[]>): Promise<void> {
  await expect.poll(async () => new Set(await send()), { timeout: 20_000, interval: 50 }).toEqual(new Set(['accepted']))
}

/** The numbers without repeats: a repeat is allowed, a first occurrence out of order is not. */
export function firstOccurrences(numbers: readonly number[]): number[] {
  return [...new Set(numbers)]
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

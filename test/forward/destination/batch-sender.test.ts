import { expect, test } from 'vitest'
import type { BatchResult } from '../../../daemon/forward/destination/batch-sender.ts'
import type { Entry } from '../../../daemon/forward/destination/lane-queue.ts'
import type { OutgoingAdapter } from '../../../daemon/protocols/adapter.ts'
import { kept, rejected } from '../fake-adapter.ts'
import { FakeDestination, NAME, newLog } from '../fake-destination.ts'
import { FakeLog } from '../fake-log.ts'

/** A destination, and its unread messages as a batch. */
function batchOf(log: FakeLog, maxAgeMs: number | null = null): { fake: FakeDestination; entries: Entry[] } {
  const fake = new FakeDestination({ maxAgeMs }, log)
  return { fake, entries: fake.lanes.flatMap((lane) => lane.takeBatch(1_000_000)) }
}

const LISTS = ['delivered', 'expired', 'foreign', 'dead', 'parked', 'kept'] as const

/** The sequence numbers of every list that is not empty. */
function listsOf(result: BatchResult): Partial<Record<(typeof LISTS)[number], number[]>> {
  const lists = LISTS.map((name) => [name, result[name].map(({ record }) => record.seq)] as const)
  return Object.fromEntries(lists.filter(([, seqs]) => seqs.length > 0))
}

test('every entry is in exactly one list, by its outcome', async () => {
  const log = newLog()
  log.append(1, ['a', 'b', 'missing', 'c', 'd'])
  const { fake, entries } = batchOf(log)
  fake.adapter.answer = (n, address) => {
    if (address === 'missing') return kept('route-missing')
    if (n === 2) return rejected()
    return n === 4 ? kept() : { status: 'accepted' }
  }
  const result = await fake.sender.send(fake.adapter, entries)
  expect(listsOf(result)).toEqual({ delivered: [1, 5], dead: [2], parked: [3], kept: [4] })
  expect(result.error?.code).toBe('upstream-unavailable')
  expect(result.accepted).toBe(true)
  expect(result.deadLetters).toMatchObject([
    { seq: 2, messageId: 'gw:store:2', topic: 'b', address: 'b', code: 'message-refused' },
  ])
  expect(result.held).toMatchObject([{ seq: 3, route: 'missing' }])
})

test('messages that are too old are not sent', async () => {
  const log = newLog()
  log.append(1, ['a'], { runningMs: 0 })
  log.append(1, ['a'], { runningMs: 9_000, expiresMs: 9_500 })
  log.append(1, ['a'], { runningMs: 9_000 })
  const { fake, entries } = batchOf(log, 5_000)
  await fake.time.pass(10_000)
  expect(listsOf(await fake.sender.send(fake.adapter, entries))).toEqual({ expired: [1, 2], delivered: [3] })
  expect(fake.adapter.sends).toEqual([[3]])
})

test('messages without a target here are passed over', async () => {
  const log = new FakeLog()
  log.addStream([NAME], 'live', [{ to: 'elsewhere', address: null, key: null }])
  log.append(1, ['a'])
  const { fake, entries } = batchOf(log)
  expect(listsOf(await fake.sender.send(fake.adapter, entries))).toEqual({ foreign: [1] })
  expect(fake.adapter.sends).toEqual([])
})

test('a message that cannot be rendered becomes a dead letter, and the rest goes on', async () => {
  const log = newLog()
  log.addStream([NAME], 'live', [{ to: NAME, address: '{$message.payload#/missing}', key: null }])
  log.append(1, ['a'])
  log.append(2, ['a'])
  const { fake, entries } = batchOf(log)
  const result = await fake.sender.send(fake.adapter, entries)
  expect(listsOf(result)).toEqual({ delivered: [1], dead: [2] })
  expect(result.deadLetters).toMatchObject([{ seq: 2, code: 'render-failed' }])
})

test('a message is sent again only to the targets that have not confirmed it', async () => {
  const log = new FakeLog()
  const target = (address: string) => ({ to: NAME, address, key: null })
  log.addStream([NAME], 'live', [target('first'), target('second')])
  log.append(1, ['a'])
  const { fake, entries } = batchOf(log)
  fake.adapter.answer = (_n, address) => (address === 'second' ? kept() : { status: 'accepted' })
  expect(listsOf(await fake.sender.send(fake.adapter, entries))).toEqual({ kept: [1] })
  fake.adapter.answer = () => ({ status: 'accepted' })
  expect(listsOf(await fake.sender.send(fake.adapter, entries))).toEqual({ delivered: [1] })
  expect([...fake.adapter.arrived]).toEqual([
    ['first', [1]],
    ['second', [1]],
  ])
})

test('messages of a route that is held wait behind it, unsent', async () => {
  const log = newLog()
  log.append(1, ['a', 'b', 'a'])
  const { fake, entries } = batchOf(log)
  fake.held.hold('a', undefined, 0)
  expect(listsOf(await fake.sender.send(fake.adapter, entries))).toEqual({ delivered: [2], parked: [1, 3] })
  expect(fake.adapter.sends).toEqual([[2]])
})

test('a message that the adapter does not answer for is kept', async () => {
  const log = newLog()
  log.append(1, ['a'])
  const { fake, entries } = batchOf(log)
  const silent: OutgoingAdapter = {
    connect: () => Promise.resolve(),
    publish: () => Promise.resolve([]),
    disconnect: () => Promise.resolve(),
  }
  const result = await fake.sender.send(silent, entries)
  expect(listsOf(result)).toEqual({ kept: [1] })
  expect(result.error?.code).toBe('internal')
})

test('deliveries and dead letters are counted by channel, once', async () => {
  const log = newLog()
  log.append(1, ['a', 'a', 'a'])
  const { fake, entries } = batchOf(log)
  fake.adapter.answer = (n) => (n === 2 ? rejected() : { status: 'accepted' })
  await fake.sender.send(fake.adapter, entries)
  expect(fake.counts.drain()).toMatchObject([
    { destination: NAME, channelIds: ['channel'], delivered: 2, deadLettered: 1 },
  ])
  expect(fake.counts.drain()).toEqual([])
})

import { describe, expect, test } from 'vitest'
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

/** The numbers of a result that are not zero, and the sequence numbers of its lists that are not empty. */
function summaryOf(result: BatchResult): object {
  const { delivered, expired, expiredSeqs } = result
  const numbers = Object.entries({ delivered, expired }).filter(([, count]) => count > 0)
  const lists = {
    kept: result.kept.map(({ record }) => record.seq),
    dead: result.deadLetters.map(({ seq }) => seq),
    held: result.held.map(({ seq }) => seq),
    expiredSeqs,
  }
  return Object.fromEntries([...numbers, ...Object.entries(lists).filter(([, seqs]) => seqs.length > 0)])
}

test('every delivery is settled by its outcome, or kept', async () => {
  const log = newLog()
  log.append(1, ['a', 'b', 'missing', 'c', 'd'])
  const { fake, entries } = batchOf(log)
  fake.adapter.answer = (n, address) => {
    if (address === 'missing') return kept('route-missing')
    if (n === 2) return rejected()
    return n === 4 ? kept() : { status: 'accepted' }
  }
  const result = await fake.sender.send(fake.adapter, entries)
  expect(summaryOf(result)).toEqual({ delivered: 2, dead: [2], held: [3], kept: [4] })
  expect(result.settled.map(({ record }) => record.seq)).toEqual([1, 2, 3, 5])
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
  expect(summaryOf(await fake.sender.send(fake.adapter, entries))).toEqual({
    expired: 2,
    expiredSeqs: [1, 2],
    delivered: 1,
  })
  expect(fake.adapter.sends).toEqual([[3]])
})

test('messages without a target here are passed over', async () => {
  const log = new FakeLog()
  log.addStream([NAME], 'live', [{ to: 'elsewhere', address: null, key: null }])
  log.append(1, ['a'])
  const { fake, entries } = batchOf(log)
  const result = await fake.sender.send(fake.adapter, entries)
  expect(summaryOf(result)).toEqual({})
  expect(result.settled).toEqual(entries)
  expect(fake.adapter.sends).toEqual([])
})

test('a message that cannot be rendered becomes a dead letter, and the rest goes on', async () => {
  const log = newLog()
  log.addStream([NAME], 'live', [{ to: NAME, address: '{$message.payload#/missing}', key: null }])
  log.append(1, ['a'])
  log.append(2, ['a'])
  const { fake, entries } = batchOf(log)
  const result = await fake.sender.send(fake.adapter, entries)
  expect(summaryOf(result)).toEqual({ delivered: 1, dead: [2] })
  expect(result.deadLetters).toMatchObject([{ seq: 2, code: 'render-failed' }])
})

test('a message is sent again only to the targets that have not confirmed it', async () => {
  const log = new FakeLog()
  const target = (address: string) => ({ to: NAME, address, key: null })
  log.addStream([NAME], 'live', [target('first'), target('second')])
  log.append(1, ['a'])
  const { fake, entries } = batchOf(log)
  fake.adapter.answer = (_n, address) => (address === 'second' ? kept() : { status: 'accepted' })
  expect(summaryOf(await fake.sender.send(fake.adapter, entries))).toEqual({ delivered: 1, kept: [1] })
  fake.adapter.answer = () => ({ status: 'accepted' })
  expect(summaryOf(await fake.sender.send(fake.adapter, entries))).toEqual({ delivered: 1 })
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
  expect(summaryOf(await fake.sender.send(fake.adapter, entries))).toEqual({ delivered: 1, held: [1, 3] })
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
  expect(summaryOf(result)).toEqual({ kept: [1] })
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

describe('a message with two targets here', () => {
  const target = (address: string) => ({ to: NAME, address, key: null })

  function twoTargets(): { fake: FakeDestination; entries: Entry[] } {
    const log = new FakeLog()
    log.addStream([NAME], 'live', [target('first'), target('second')])
    log.append(1, ['a'])
    return batchOf(log)
  }

  test('waits once for each of them that is missing', async () => {
    const { fake, entries } = twoTargets()
    fake.adapter.answer = () => kept('route-missing')
    const { held, kept: again } = await fake.sender.send(fake.adapter, entries)
    expect(held.map(({ seq, target: number, route }) => [seq, number, route])).toEqual([
      [1, 0, 'first'],
      [1, 1, 'second'],
    ])
    expect(again).toEqual([])
    expect(fake.held.count).toBe(2)
  })

  test('is held once on the missing one, however often the other one times out', async () => {
    const { fake, entries } = twoTargets()
    fake.adapter.answer = (_n, address) => kept(address === 'first' ? 'route-missing' : 'upstream-timeout')
    for (let attempt = 0; attempt < 3; attempt++) await fake.sender.send(fake.adapter, entries)
    expect(fake.held.count).toBe(1)
    fake.adapter.answer = () => ({ status: 'accepted' })
    const { held, delivered, settled } = await fake.sender.send(fake.adapter, entries)
    expect({ held, delivered, settled: settled.length }).toEqual({ held: [], delivered: 1, settled: 1 })
  })

  test('is buried once for each of them that refuses it', async () => {
    const { fake, entries } = twoTargets()
    fake.adapter.answer = () => rejected()
    const { deadLetters } = await fake.sender.send(fake.adapter, entries)
    expect(deadLetters.map(({ seq, target: number, address }) => [seq, number, address])).toEqual([
      [1, 0, 'first'],
      [1, 1, 'second'],
    ])
  })
})

describe('one bad message stops nothing', () => {
  test('a record whose plan is gone becomes a dead letter, and the rest goes on', async () => {
    const log = newLog()
    log.append(1, ['a'])
    log.append(1, ['a'], { plan: 99 })
    log.append(1, ['a'])
    const { fake, entries } = batchOf(log)
    const result = await fake.sender.send(fake.adapter, entries)
    expect(summaryOf(result)).toEqual({ delivered: 2, dead: [2] })
    expect(fake.counts.drain()).toContainEqual(expect.objectContaining({ channelIds: [], deadLettered: 1 }))
  })

  test('a message for which the adapter throws becomes a dead letter, and the rest goes on', async () => {
    const log = newLog()
    log.append(
      1,
      Array.from({ length: 9 }, () => 'a'),
    )
    const { fake, entries } = batchOf(log)
    fake.adapter.answer = (n) => {
      if (n === 4) throw new TypeError('cannot encode')
      return { status: 'accepted' }
    }
    const result = await fake.sender.send(fake.adapter, entries)
    expect(result.deadLetters).toMatchObject([{ seq: 4, code: 'internal' }])
    expect(new Set(fake.adapter.at('a'))).toEqual(new Set([1, 2, 3, 5, 6, 7, 8, 9]))
  })

  test('an adapter that throws for every message buries none of them', async () => {
    const log = newLog()
    log.append(1, ['a', 'a', 'a'])
    const { fake, entries } = batchOf(log)
    fake.adapter.answer = () => {
      throw new TypeError('no connection object')
    }
    expect(summaryOf(await fake.sender.send(fake.adapter, entries))).toEqual({ kept: [1, 2, 3] })
  })
})

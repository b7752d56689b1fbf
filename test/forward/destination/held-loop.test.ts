import { afterEach, describe, expect, test } from 'vitest'
import type { DestinationPolicy } from '../../../daemon/forward/destination/destination-policy.ts'
import { ACCEPTED } from '../../../daemon/protocols/adapter.ts'
import { kept, rejected } from '../fake-adapter.ts'
import { FakeDestination, NAME } from '../fake-destination.ts'
import { FakeLog } from '../fake-log.ts'

let fake: FakeDestination

function start(policy: Partial<DestinationPolicy> = {}, log?: FakeLog): void {
  fake = log === undefined ? new FakeDestination(policy) : new FakeDestination(policy, log)
  fake.start()
}

afterEach(async () => {
  fake.adapter.release()
  fake.reporter.confirm()
  await fake.loop.stop()
})

const topics = (count: number, name = 'a'): string[] => Array.from({ length: count }, () => name)
const upTo = (last: number): number[] => Array.from({ length: last }, (_one, index) => index + 1)

describe('a route with 3,000 held messages that opens', () => {
  test('sends each of them once and in order, before newer ones, while the writer is slow', async () => {
    start()
    fake.adapter.answer = () => kept('route-missing')
    fake.append(...topics(3_000))
    await fake.time.pass(4_000)
    expect(fake.status).toMatchObject({ state: 'degraded', held: 3_000, heldRoutes: ['a'] })
    fake.adapter.answer = () => ACCEPTED
    fake.reporter.isSlow = true
    await fake.time.pass(2_000)
    fake.append('a')
    await fake.time.pass(2_000)
    expect(fake.adapter.at('a')).toEqual(upTo(3_001))
    fake.reporter.confirm()
    expect(fake.status).toMatchObject({ state: 'connected', held: 0, delivered: 3_001 })
    expect(fake.log.heldRows).toEqual([])
  })

  test('goes on where it was when the forwarder starts anew in the middle', async () => {
    start()
    fake.adapter.answer = () => kept('route-missing')
    fake.append(...topics(1_200))
    await fake.time.pass(4_000)
    // The destination takes the first probe and one page, then the forwarder ends.
    let taken = 0
    fake.adapter.answer = () => (++taken <= 501 ? ACCEPTED : kept('route-missing'))
    await fake.time.pass(2_000)
    await fake.loop.stop()
    const { log, adapter } = fake
    expect(log.heldRows).toHaveLength(1_200 - 501)
    start({}, log)
    await fake.time.pass(1_000)
    expect([...adapter.at('a'), ...fake.adapter.at('a')]).toEqual(upTo(1_200))
  })
})

describe('two targets of one destination', () => {
  const target = (address: string) => ({ to: NAME, address, key: null })

  test('that are both missing get every message when their topics are made, one after the other', async () => {
    const log = new FakeLog()
    log.addStream([NAME], 'live', [target('first'), target('second')])
    start({}, log)
    const missing = new Set(['first', 'second'])
    fake.adapter.answer = (_n, address) => (missing.has(address) ? kept('route-missing') : ACCEPTED)
    fake.append(...topics(53))
    await fake.time.pass(1_000)
    expect(fake.status).toMatchObject({ held: 106 })
    missing.delete('second')
    await fake.time.pass(6_000)
    expect([fake.adapter.at('first'), fake.adapter.at('second')]).toEqual([[], upTo(53)])
    missing.delete('first')
    await fake.time.pass(6_000)
    expect(fake.adapter.at('first')).toEqual(upTo(53))
    expect(fake.adapter.at('second')).toEqual(upTo(53))
    expect(fake.status).toMatchObject({ state: 'connected', held: 0, delivered: 106 })
  })

  test('of which one is missing and one does not answer: a loop that begins anew counts what is held once', async () => {
    const log = new FakeLog()
    log.addStream([NAME], 'live', [target('first'), target('second')])
    start({}, log)
    fake.adapter.answer = (_n, address) => kept(address === 'first' ? 'route-missing' : 'upstream-timeout')
    fake.append('a', 'a')
    await fake.time.pass(1_000)
    expect(fake.status).toMatchObject({ held: 2 })
    await fake.loop.stop()
    start({}, log)
    fake.reporter.isSlow = true
    await fake.time.pass(1_000)
    expect(fake.status).toMatchObject({ held: 0 })
    expect([fake.adapter.at('first'), fake.adapter.at('second')]).toEqual([upTo(2), upTo(2)])
  })

  test('that both refuse a message give two dead letters, each sent again to its own target under the same id', async () => {
    const log = new FakeLog()
    log.addStream([NAME], 'live', [target('first'), target('second')])
    start({}, log)
    fake.adapter.answer = () => rejected()
    fake.append('a')
    await fake.time.pass(100)
    expect(log.deadLetterRows.map(({ seq, target: number }) => [seq, number])).toEqual([
      [1, 0],
      [1, 1],
    ])
    fake.adapter.answer = () => ACCEPTED
    const letter = log.deadLetterRows[1]
    if (letter === undefined) throw new Error('there is no second dead letter')
    log.replay(letter, fake.clock.runningMs(), 1_000)
    fake.loop.replay()
    await fake.time.pass(100)
    expect([fake.adapter.at('first'), fake.adapter.at('second')]).toEqual([[], [1]])
    expect(fake.adapter.headersOf(1)).toMatchObject({
      'message-id': 'gw:store:1',
      'replayed-at': '1970-01-01T00:00:01.000Z',
    })
    expect(log.deadLetterRows).toHaveLength(1)
    expect(fake.status).toMatchObject({ held: 0, delivered: 1 })
  })
})

test('a dead letter that is refused again is a dead letter again', async () => {
  start()
  fake.adapter.answer = () => rejected()
  fake.append('a')
  await fake.time.pass(100)
  const [letter] = fake.log.deadLetterRows
  if (letter === undefined) throw new Error('there is no dead letter')
  fake.log.replay(letter, 0, 1_000)
  fake.loop.replay()
  await fake.time.pass(100)
  expect(fake.log.deadLetterRows.map(({ seq }) => seq)).toEqual([1])
  expect(fake.status).toMatchObject({ held: 0, deadLettered: 2 })
})

test('messages are buried after holdFor while the destination is down, too', async () => {
  start({ holdForMs: 60_000 })
  fake.adapter.answer = () => kept('route-missing')
  fake.append('a', 'a')
  await fake.time.pass(1_000)
  fake.connectError = new Error('refused')
  fake.adapter.answer = () => kept('upstream-unreachable')
  fake.append('b')
  await fake.time.pass(70_000)
  expect(fake.log.deadLetterRows.map(({ seq, code }) => [seq, code])).toEqual([
    [1, 'held-too-long'],
    [2, 'held-too-long'],
  ])
})

test('a destination that has not answered for five seconds is stalled, and connected once it answers', async () => {
  start()
  fake.adapter.block()
  fake.append('a')
  await fake.time.pass(4_900)
  expect(fake.status.state).toBe('connected')
  await fake.time.pass(100)
  expect(fake.status.state).toBe('stalled')
  fake.adapter.release()
  await fake.time.pass(0)
  expect(fake.status.state).toBe('connected')
})

test('a fault of the gateway itself does not end the loop', async () => {
  start()
  const { headsAfter } = fake.log
  fake.log.headsAfter = () => {
    throw new Error('broken')
  }
  fake.append('a')
  await fake.time.pass(1_000)
  expect(fake.status).toMatchObject({ state: 'disconnected', lastError: { code: 'internal', message: 'broken' } })
  fake.log.headsAfter = headsAfter
  await fake.time.pass(2_000)
  expect(fake.adapter.at('a')).toEqual([1])
})

test('everything that is left is given up by name: messages, held deliveries, all counted', async () => {
  start()
  fake.adapter.answer = (_n, address) => kept(address === 'b' ? 'route-missing' : 'upstream-timeout')
  fake.append('b', 'b')
  await fake.time.pass(1_000)
  await fake.loop.stop()
  fake.append('a', 'a', 'a')
  expect(fake.loop.discardAll()).toBe(5)
  expect(fake.log.heldRows).toEqual([])
  expect(fake.status).toMatchObject({ held: 0, dropped: 5 })
})

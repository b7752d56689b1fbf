import { afterEach, expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { kept, rejected } from '../fake-adapter.ts'
import { FakeDestination, NAME } from '../fake-destination.ts'
import { FakeLog } from '../fake-log.ts'

let fake: FakeDestination

function start(...options: ConstructorParameters<typeof FakeDestination>): void {
  fake = new FakeDestination(...options)
  fake.start()
}

afterEach(async () => {
  fake.adapter.release()
  fake.reporter.confirm()
  await fake.loop.stop()
})

test('messages arrive in the order of the log, and the cursor follows', async () => {
  start()
  fake.append('a', 'a')
  await fake.time.pass(0)
  fake.append('a')
  await fake.time.pass(0)
  expect(fake.adapter.sends).toEqual([[1, 2], [3]])
  expect(fake.reporter.cursor).toMatchObject({ destination: NAME, low: 4, ranges: [], settled: 3, delivered: 3 })
  expect(fake.status).toMatchObject({ state: 'connected', delivered: 3, lastError: null })
})

test('messages that were kept are sent again before newer ones', async () => {
  start()
  fake.adapter.answer = () => kept()
  fake.append('a', 'a')
  await fake.time.pass(0)
  fake.append('a')
  fake.adapter.answer = () => ({ status: 'accepted' })
  await fake.time.pass(100)
  expect(fake.adapter.sends).toEqual([
    [1, 2],
    [1, 2, 3],
  ])
})

test('where only some messages were kept, the cursor has a range behind them and the connection stays', async () => {
  start()
  fake.adapter.answer = (n) => (n === 2 ? kept() : { status: 'accepted' })
  fake.append('a', 'a', 'a')
  await fake.time.pass(0)
  expect(fake.reporter.cursor).toMatchObject({ low: 2, ranges: [[3, 3]], settled: 2 })
  expect(fake.status).toMatchObject({ state: 'degraded', lastError: { code: 'upstream-unavailable' } })
  expect(fake.adapter.disconnects).toBe(0)
  fake.adapter.answer = () => ({ status: 'accepted' })
  await fake.time.pass(100)
  expect(fake.adapter.sends.at(-1)).toEqual([2])
  expect(fake.reporter.cursor).toMatchObject({ low: 4, ranges: [], settled: 3 })
  expect(fake.status).toMatchObject({ state: 'connected', lastError: null })
})

test('where nothing was accepted the next attempt opens a new connection', async () => {
  start()
  fake.adapter.answer = () => kept('upstream-timeout')
  fake.append('a')
  await fake.time.pass(0)
  expect(fake.adapter.disconnects).toBe(1)
  expect(fake.status).toMatchObject({ state: 'disconnected', lastError: { code: 'upstream-timeout' } })
  await fake.time.pass(100)
  expect(fake.attemptsMs).toEqual([0, 100])
})

test('a batch is not larger than its limit', async () => {
  start({ maxBatchBytes: 200 })
  fake.append('a', 'a', 'a', 'a', 'a')
  await fake.time.pass(0)
  expect(fake.adapter.sends).toEqual([[1, 2], [3, 4], [5]])
})

test('a small batch waits for more messages', async () => {
  start({ lingerMs: 10 })
  await fake.time.pass(0)
  fake.append('a')
  await fake.time.pass(9)
  expect(fake.adapter.sends).toEqual([])
  fake.append('a')
  await fake.time.pass(1)
  expect(fake.adapter.sends).toEqual([[1, 2]])
})

test('a large batch is sent at once', async () => {
  start({ lingerMs: 10 })
  fake.append(...Array.from({ length: 1_000 }, () => 'a'))
  await fake.time.pass(0)
  expect(fake.adapter.sends.map((send) => send.length)).toEqual([1_000])
})

test('the alarm lane is sent before the others', async () => {
  const log = new FakeLog()
  log.addStream([NAME], 'bulk')
  log.addStream([NAME], 'alarm')
  log.append(1, ['a'])
  log.append(2, ['a'])
  start({}, log)
  await fake.time.pass(0)
  expect(fake.adapter.sends).toEqual([[2], [1]])
})

test('a message that is rejected becomes a dead letter, and the rest goes on', async () => {
  start()
  fake.adapter.answer = (n) => (n === 2 ? rejected() : { status: 'accepted' })
  fake.append('a', 'a', 'a')
  await fake.time.pass(0)
  expect(fake.reporter.deadLetters).toEqual([{ seq: 2, code: 'message-refused' }])
  expect(fake.reporter.cursor).toMatchObject({ low: 4, delivered: 2, dead: 1, settled: 3 })
  expect(fake.status).toMatchObject({ state: 'connected', deadLettered: 1 })
})

test('messages of a missing route are held in order, and the rest of the destination goes on', async () => {
  start()
  fake.adapter.answer = (_n, address) => (address === 'missing' ? kept('route-missing') : { status: 'accepted' })
  fake.append('missing', 'a', 'missing')
  await fake.time.pass(0)
  fake.append('missing', 'a')
  await fake.time.pass(0)
  expect(fake.adapter.at('a')).toEqual([2, 5])
  expect(fake.log.heldRows.map(({ seq, route }) => [seq, route])).toEqual([
    [1, 'missing'],
    [3, 'missing'],
    [4, 'missing'],
  ])
  expect(fake.reporter.cursor).toMatchObject({ low: 6, settled: 5, delivered: 2 })
  expect(fake.status).toMatchObject({ state: 'degraded', held: 3, queued: 3, lastError: { code: 'route-missing' } })
})

test('a route that opens lets its held messages go, in order and before newer ones', async () => {
  start()
  fake.adapter.answer = () => kept('route-missing')
  fake.append('a', 'a')
  await fake.time.pass(4_999)
  fake.adapter.answer = () => ({ status: 'accepted' })
  fake.append('a')
  await fake.time.pass(0)
  expect(fake.adapter.at('a')).toEqual([])
  await fake.time.pass(1_000)
  fake.append('a')
  await fake.time.pass(0)
  expect(fake.adapter.at('a')).toEqual([1, 2, 3, 4])
  expect(fake.log.heldRows).toEqual([])
  expect(fake.status).toMatchObject({ state: 'connected', held: 0, delivered: 4 })
})

test('messages that are held for longer than holdFor become dead letters', async () => {
  start({ holdForMs: 60_000 })
  fake.adapter.answer = () => kept('route-missing')
  fake.append('a')
  await fake.time.pass(59_000)
  expect(fake.reporter.deadLetters).toEqual([])
  await fake.time.pass(10_000)
  expect(fake.reporter.deadLetters).toEqual([{ seq: 1, code: 'held-too-long' }])
  expect(fake.log.heldRows).toEqual([])
  expect(fake.status).toMatchObject({ state: 'connected', held: 0, deadLettered: 1 })
})

test('messages that are older than maxAge expire, are counted and not sent', async () => {
  const log = new FakeLog()
  log.addStream([NAME])
  log.append(1, ['a', 'a'], { runningMs: -10_000 })
  start({ maxAgeMs: 5_000 }, log)
  fake.append('a')
  await fake.time.pass(0)
  expect(fake.adapter.sends).toEqual([[3]])
  expect(fake.reporter.lost).toEqual([{ from: 1, to: 2, fate: 'expired' }])
  expect(fake.status).toMatchObject({ expired: 2, delivered: 1 })
})

test('messages expire while the destination is down, too', async () => {
  fake = new FakeDestination({ maxAgeMs: 5_000 })
  fake.connectError = new EdgeError('upstream-unreachable', 'refused')
  fake.append('a', 'a')
  fake.start()
  await fake.time.pass(20_000)
  expect(fake.reporter.lost).toEqual([{ from: 1, to: 2, fate: 'expired' }])
  expect(fake.status).toMatchObject({ state: 'disconnected', expired: 2, queued: 0 })
})

test('pauses between attempts to connect grow, and are short again after a send', async () => {
  fake = new FakeDestination()
  fake.connectError = new EdgeError('upstream-unreachable', 'refused')
  fake.start()
  await fake.time.pass(3_500)
  expect(fake.attemptsMs).toEqual([0, 100, 300, 700, 1_500, 2_500, 3_500])
  expect(fake.status).toMatchObject({ state: 'disconnected', lastError: { code: 'upstream-unreachable' } })
  fake.connectError = undefined
  fake.append('a')
  await fake.time.pass(1_000)
  expect(fake.status.state).toBe('connected')
  fake.adapter.answer = () => kept()
  fake.append('a')
  await fake.time.pass(0)
  const failedMs = fake.time.monotonicMs()
  await fake.time.pass(100)
  expect(fake.attemptsMs.at(-1)).toBe(failedMs + 100)
})

test('the end lets the send in flight finish, reports it and sends nothing more', async () => {
  start({ maxBatchBytes: 100 })
  fake.adapter.block()
  fake.append('a', 'a')
  await fake.time.pass(0)
  let hasStopped = false
  const stopping = fake.loop.stop().then(() => (hasStopped = true))
  await fake.time.pass(1_000)
  expect(hasStopped).toBe(false)
  fake.adapter.release()
  await stopping
  expect(fake.adapter.sends).toEqual([[1]])
  expect(fake.reporter.cursor).toMatchObject({ low: 2, delivered: 1 })
  expect(fake.adapter.disconnects).toBe(1)
  expect(fake.status.state).toBe('stopped')
})

test('a loop that is stopped while a small batch waits for more messages sends nothing more', async () => {
  start({ lingerMs: 100 })
  fake.append('a')
  await fake.time.pass(10)
  await fake.loop.stop()
  expect(fake.adapter.sends).toEqual([])
  expect(fake.status.state).toBe('stopped')
})

test('a loop that is stopped while it tries a held route sends nothing more', async () => {
  start()
  fake.adapter.answer = (_n, address) => kept(address === 'a' ? 'route-missing' : 'upstream-unavailable')
  fake.append('a')
  await fake.time.pass(4_000)
  fake.adapter.block()
  await fake.time.pass(1_000)
  fake.append('b')
  const stopping = fake.loop.stop()
  fake.adapter.release()
  await stopping
  expect(fake.adapter.sends).toEqual([[1], [1]])
})

test('the end does not wait for a pause between attempts', async () => {
  fake = new FakeDestination()
  fake.connectError = new EdgeError('upstream-unreachable', 'refused')
  fake.start()
  await fake.time.pass(10)
  await fake.loop.stop()
  expect(fake.time.pending).toBe(0)
})

test('a writer that does not confirm holds back sends after a while', async () => {
  start({ maxBatchBytes: 1 })
  fake.reporter.isSlow = true
  fake.append(...Array.from({ length: 100 }, () => 'a'))
  await fake.time.pass(0)
  const before = fake.adapter.sends.length
  expect(before).toBeLessThan(40)
  fake.reporter.isSlow = false
  fake.reporter.confirm()
  await fake.time.pass(0)
  expect(fake.adapter.at('a')).toHaveLength(100)
})

test('making room discards the oldest messages that are not in flight, and announces them', async () => {
  start({ maxBatchBytes: 100 })
  fake.adapter.block()
  fake.append('a', 'a', 'a', 'a')
  await fake.time.pass(0)
  expect(fake.loop.discard(100)).toBeGreaterThanOrEqual(100)
  expect(fake.reporter.lost).toEqual([{ from: 2, to: 3, fate: 'dropped' }])
  fake.adapter.release()
  await fake.time.pass(0)
  expect(fake.adapter.at('a')).toEqual([1, 4])
  expect(fake.status).toMatchObject({ dropped: 2, delivered: 2 })
  expect(fake.reporter.cursor).toMatchObject({ low: 5, settled: 4 })
})

import { expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import type { HeldResult } from '../../../daemon/forward/destination/held-sender.ts'
import { ALL_TARGETS, REPLAY_ROUTE } from '../../../daemon/store/tables/held.ts'
import { kept, rejected } from '../fake-adapter.ts'
import { FakeDestination, newLog } from '../fake-destination.ts'
import { FakeLog } from '../fake-log.ts'

const MISSING = new EdgeError('route-missing', 'kept: route-missing')

/** A destination with three messages on the held route `a`, the first of them held since 0, the others since 1,000. */
async function heldDestination(): Promise<FakeDestination> {
  const log = newLog()
  log.append(1, ['a', 'a', 'a'])
  const fake = new FakeDestination({}, log)
  fake.adapter.answer = () => kept('route-missing')
  const entries = fake.lanes.flatMap((lane) => lane.takeBatch(1_000_000))
  const first = await fake.sender.send(fake.adapter, entries.slice(0, 1))
  await fake.time.pass(1_000)
  const others = await fake.sender.send(fake.adapter, entries.slice(1))
  const cursor = fake.lanes[1]?.cursor ?? expect.fail('there is no lane')
  fake.reporter.report({ cursor, deadLetters: [], held: [...first.held, ...others.held], released: [], lost: [] })
  fake.adapter.sends.length = 0
  return fake
}

/** Sends the held deliveries, in one probe, once the route is known to be open or not. */
async function probe(fake: FakeDestination): Promise<HeldResult[]> {
  return fake.heldSender.send(fake.adapter, fake.log.held('cloud', 'a', 500))
}

const releasedOf = (results: readonly HeldResult[]): number[] =>
  results.filter(({ isReleased }) => isReleased).map(({ row }) => row.seq)

test('held messages that are accepted leave the table, in order', async () => {
  const fake = await heldDestination()
  fake.adapter.answer = () => ({ status: 'accepted' })
  const results = await probe(fake)
  expect(releasedOf(results)).toEqual([1, 2, 3])
  expect(results.every(({ isDelivered, deadLetter }) => isDelivered && deadLetter === undefined)).toBe(true)
  expect(fake.adapter.at('a')).toEqual([1, 2, 3])
})

test('a route that is still closed keeps its messages', async () => {
  const fake = await heldDestination()
  expect(releasedOf(await probe(fake))).toEqual([])
  expect(fake.adapter.sends).toEqual([[1, 2, 3]])
})

test('a held message that is rejected becomes a dead letter', async () => {
  const fake = await heldDestination()
  fake.adapter.answer = (n) => (n === 2 ? rejected() : { status: 'accepted' })
  const results = await probe(fake)
  expect(releasedOf(results)).toEqual([1, 2, 3])
  expect(results.flatMap(({ deadLetter }) => deadLetter ?? [])).toMatchObject([
    { seq: 2, target: 0, code: 'message-refused', address: 'a' },
  ])
})

test('a message that was held for too long becomes a dead letter with the reason of its route, unsent', async () => {
  const fake = await heldDestination()
  fake.held.hold('other', new EdgeError('route-forbidden', 'another reason'), 0)
  const results = fake.heldSender.expire(fake.held.overdue(500))
  expect(releasedOf(results)).toEqual([1])
  expect(results[0]?.deadLetter).toMatchObject({ seq: 1, code: 'held-too-long', answer: MISSING.message, address: 'a' })
  expect(fake.adapter.sends).toEqual([])
})

test('a held message that cannot be rendered, or read, becomes a dead letter and the rest goes on', async () => {
  const fake = await heldDestination()
  fake.adapter.answer = () => ({ status: 'accepted' })
  const [first, second] = fake.log.heldRows
  if (first === undefined || second === undefined) throw new Error('nothing is held')
  first.target = 7
  second.record = Buffer.from(second.record.map((byte, index) => (index === 20 ? byte ^ 1 : byte)))
  const results = await probe(fake)
  expect(releasedOf(results).toSorted((a, b) => a - b)).toEqual([1, 2, 3])
  expect(results.flatMap(({ deadLetter }) => deadLetter ?? [])).toMatchObject([
    { seq: 1, code: 'internal' },
    { seq: 2, code: 'store-failed' },
  ])
  expect(fake.adapter.at('a')).toEqual([3])
})

test('rows of an earlier version, which do not know their target, go to the targets of their route', async () => {
  const fake = await heldDestination()
  fake.adapter.answer = () => ({ status: 'accepted' })
  for (const row of fake.log.heldRows) row.target = ALL_TARGETS
  expect(releasedOf(await probe(fake))).toEqual([1, 2, 3])
  expect(fake.adapter.at('a')).toEqual([1, 2, 3])
})

test('a dead letter whose targets could not be read is sent again to all of them', async () => {
  const fake = await heldDestination()
  fake.adapter.answer = () => ({ status: 'accepted' })
  for (const row of fake.log.heldRows) Object.assign(row, { target: ALL_TARGETS, route: REPLAY_ROUTE })
  const results = await fake.heldSender.send(fake.adapter, fake.log.held('cloud', REPLAY_ROUTE, 500))
  expect(results.every(({ isDelivered }) => isDelivered)).toBe(true)
  expect(fake.adapter.at('a')).toEqual([1, 2, 3])
})

test('a delivery that has no target left is buried, not counted as delivered', async () => {
  const fake = await heldDestination()
  for (const row of fake.log.heldRows) Object.assign(row, { target: ALL_TARGETS, route: 'gone' })
  const results = await fake.heldSender.send(fake.adapter, fake.log.held('cloud', 'gone', 500))
  expect(results.map(({ isReleased, isDelivered, deadLetter }) => [isReleased, isDelivered, deadLetter?.code])).toEqual(
    Array(3).fill([true, false, 'internal']),
  )
  expect(fake.adapter.sends).toEqual([])
})

test('a dead letter for all targets stays whole until every one of them takes it', async () => {
  const log = new FakeLog()
  const target = (address: string) => ({ to: 'cloud', address, key: null })
  log.addStream(['cloud'], 'live', [target('first'), target('second')])
  log.append(1, ['t'])
  const fake = new FakeDestination({}, log)
  fake.adapter.answer = () => kept('route-missing')
  const entries = fake.lanes.flatMap((lane) => lane.takeBatch(1_000_000))
  const [first] = (await fake.sender.send(fake.adapter, entries)).held
  const cursor = fake.lanes[1]?.cursor ?? expect.fail('there is no lane')
  if (first === undefined) throw new Error('nothing is held')
  const held = [{ ...first, target: ALL_TARGETS, route: REPLAY_ROUTE }]
  fake.reporter.report({ cursor, deadLetters: [], held, released: [], lost: [] })
  const replay = () => fake.heldSender.send(fake.adapter, fake.log.held('cloud', REPLAY_ROUTE, 500))
  fake.adapter.answer = (_n, address) => (address === 'second' ? kept('route-missing') : { status: 'accepted' })
  expect((await replay()).map(({ isReleased, moved }) => [isReleased, moved])).toEqual([[false, undefined]])
  fake.adapter.answer = () => ({ status: 'accepted' })
  expect(await replay()).toMatchObject([{ isReleased: true, isDelivered: true }])
  expect(fake.adapter.at('second')).toEqual([1])
})

import { expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { type Probed, probeRoute } from '../../../daemon/forward/destination/held-probe.ts'
import { kept, rejected } from '../fake-adapter.ts'
import { FakeDestination, newLog } from '../fake-destination.ts'

const MISSING = new EdgeError('route-missing', 'there is no topic a')

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

function probe(fake: FakeDestination, overdueMs = 0): Promise<Probed> {
  const rows = fake.log.held('cloud', 'a', 500)
  return probeRoute({ route: 'a', rows, adapter: fake.adapter, sender: fake.sender, overdueMs, reason: MISSING })
}

test('held messages that are accepted leave the table, in order', async () => {
  const fake = await heldDestination()
  fake.adapter.answer = () => ({ status: 'accepted' })
  expect(await probe(fake)).toEqual({ released: [1, 2, 3], deadLetters: [], delivered: 3, isOpening: true })
  expect(fake.adapter.at('a')).toEqual([1, 2, 3])
})

test('a route that is still closed keeps its messages', async () => {
  const fake = await heldDestination()
  expect(await probe(fake)).toEqual({ released: [], deadLetters: [], delivered: 0, isOpening: false })
  expect(fake.adapter.sends).toEqual([[1, 2, 3]])
})

test('a held message that is rejected becomes a dead letter', async () => {
  const fake = await heldDestination()
  fake.adapter.answer = (n) => (n === 2 ? rejected() : { status: 'accepted' })
  const { released, deadLetters, delivered } = await probe(fake)
  expect({ released, delivered }).toEqual({ released: [1, 2, 3], delivered: 2 })
  expect(deadLetters).toMatchObject([{ seq: 2, code: 'message-refused', address: 'a' }])
})

test('a message that was held for too long becomes a dead letter with the reason of its route, unsent', async () => {
  const fake = await heldDestination()
  const { released, deadLetters } = await probe(fake, 500)
  expect(released).toEqual([1])
  expect(deadLetters).toMatchObject([{ seq: 1, code: 'held-too-long', answer: 'there is no topic a', address: 'a' }])
  expect(fake.adapter.sends).toEqual([[2, 3]])
})

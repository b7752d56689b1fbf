import { beforeEach, expect, test } from 'vitest'
import { type Entry, LaneQueue, sizeOf } from '../../../daemon/forward/destination/lane-queue.ts'
import { cursorAt, FakeLog } from '../fake-log.ts'

const OWN = 1
const FOREIGN = 2
const ALL = 1_000_000

let log: FakeLog

beforeEach(() => {
  log = new FakeLog()
  log.addStream(['cloud'])
  log.addStream(['elsewhere'])
})

function queueFrom(low: number, ranges: [number, number][] = []): LaneQueue {
  return new LaneQueue(log, (stream) => stream === OWN, { ...cursorAt('cloud', low), ranges })
}

const seqs = (entries: readonly Entry[]): number[] => entries.map(({ record }) => record.seq)
const topics = (count: number): string[] => Array.from({ length: count }, () => 'a')

test('messages come in the order of the log, without those of other destinations', () => {
  log.append(OWN, topics(2))
  log.append(FOREIGN, topics(2))
  log.append(OWN, topics(2))
  expect(seqs(queueFrom(1).takeBatch(ALL))).toEqual([1, 2, 5, 6])
})

test('a queue begins behind its cursor and skips the ranges that were settled', () => {
  log.append(OWN, topics(10))
  expect(seqs(queueFrom(3, [[5, 7]]).takeBatch(ALL))).toEqual([3, 4, 8, 9, 10])
})

test('a batch stays within its bytes, but holds at least one message', () => {
  log.append(OWN, topics(3))
  const [first] = queueFrom(1).takeBatch(1)
  const size = first === undefined ? 0 : sizeOf(first)
  const queue = queueFrom(1)
  expect(seqs(queue.takeBatch(2 * size + 1))).toEqual([1, 2])
  expect(seqs(queue.takeBatch(1))).toEqual([3])
})

test('messages in flight come first in the next batch', () => {
  log.append(OWN, topics(3))
  const queue = queueFrom(1)
  const [first] = queue.takeBatch(1)
  if (first === undefined) throw new Error('the log is empty')
  queue.setInFlight([first])
  expect(seqs(queue.takeBatch(ALL))).toEqual([1, 2, 3])
})

test('the cursor follows settled messages, and stays before those in flight', () => {
  log.append(OWN, topics(5))
  const queue = queueFrom(1)
  const entries = queue.takeBatch(ALL)
  const inFlight = entries.filter(({ record }) => [2, 4].includes(record.seq))
  queue.setInFlight(inFlight)
  queue.countSettled(entries.filter((entry) => !inFlight.includes(entry)))
  expect(queue.changedCursor()).toMatchObject({
    low: 2,
    ranges: [
      [3, 3],
      [5, 5],
    ],
    settled: 3,
    settledBytes: 3 * sizeOf(inFlight[0] ?? entries[0] ?? expect.fail('no entry')),
  })
  queue.setInFlight([])
  queue.countSettled(inFlight)
  expect(queue.changedCursor()).toMatchObject({ low: 6, ranges: [], settled: 5 })
})

test('a cursor is handed out once for each change', () => {
  log.append(OWN, topics(1))
  const queue = queueFrom(1)
  expect(queue.changedCursor()).toBeUndefined()
  queue.countSettled(queue.takeBatch(ALL))
  expect(queue.changedCursor()).toBeDefined()
  expect(queue.changedCursor()).toBeUndefined()
})

test('messages of other destinations alone do not make the cursor worth a write', () => {
  log.append(FOREIGN, topics(10))
  const queue = queueFrom(1)
  expect(queue.takeBatch(ALL)).toEqual([])
  expect(queue.changedCursor()).toBeUndefined()
})

test('a new message is found after the end of the log was reached', () => {
  const queue = queueFrom(1)
  expect(queue.takeBatch(ALL)).toEqual([])
  log.append(OWN, topics(1))
  expect(seqs(queue.takeBatch(ALL))).toEqual([1])
})

test('discarding takes the oldest messages that are not in flight, until there is room', () => {
  log.append(OWN, topics(5))
  const queue = queueFrom(1)
  const [first] = queue.takeBatch(1)
  if (first === undefined) throw new Error('the log is empty')
  queue.setInFlight([first])
  const discarded = queue.discardOldest(sizeOf(first) + 1)
  expect(discarded).toEqual({ messages: 2, deliveries: 2, bytes: 2 * sizeOf(first), seqs: [2, 3] })
  expect(queue.changedCursor()).toMatchObject({ low: 1, ranges: [[2, 3]], settled: 2 })
  expect(seqs(queue.takeBatch(ALL))).toEqual([1, 4, 5])
})

test('discarding by age stops at the first message that is young enough', () => {
  log.append(OWN, topics(2), { runningMs: 1_000 })
  log.append(OWN, topics(2), { runningMs: 5_000 })
  const queue = queueFrom(1)
  expect(queue.discardOldest(Infinity, 5_000).seqs).toEqual([1, 2])
  expect(seqs(queue.takeBatch(ALL))).toEqual([3, 4])
})

test('the oldest message in memory tells how long messages wait', () => {
  log.append(OWN, topics(2), { runningMs: 1_000 })
  const queue = queueFrom(1)
  expect(queue.oldestRunningMs).toBeUndefined()
  queue.setInFlight(queue.takeBatch(ALL))
  expect(queue.oldestRunningMs).toBe(1_000)
})

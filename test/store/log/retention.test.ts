import { afterEach, beforeEach, expect, test } from 'vitest'
import { databaseBytes } from '../../../daemon/store/connection.ts'
import type { StoreLimits } from '../../../daemon/store/log/retention.ts'
import { QuarantineCap } from '../../../daemon/store/tables/quarantine.ts'
import { temporaryFolder, type TemporaryFolder } from '../../servers/temporary-folder.ts'
import {
  ALL_HISTORY,
  batchOf,
  blocksOf,
  cursorRow,
  MiB,
  NO_HISTORY,
  OpenLog,
  openOptions,
  quarantineOp,
  settlement,
  streamOp,
} from '../store-fixture.ts'

const MAX_BYTES = 24 * MiB

let folder: TemporaryFolder
let log: OpenLog

beforeEach(() => {
  folder = temporaryFolder('retention')
})
afterEach(() => {
  log.abandon()
  folder.remove()
})

function open(limits: StoreLimits): void {
  log = new OpenLog(openOptions(folder.path, { maxBytes: limits.maxBytes }), limits)
  log.writer.commit(batchOf(1, [], [streamOp(1, ['fast']), streamOp(2, ['fast', 'dead']), streamOp(3, [])]), [])
}

/** Writes blocks of one message each, a second apart; sequence numbers are those of the batch. */
function write(stream: number, from: number, to: number, bytes = 1_000): void {
  for (let number = from; number <= to; number++)
    log.writer.commit(batchOf(number, blocksOf(stream, number, [`${number}`.padEnd(bytes)]), [], number * 1_000), [])
}

function settle(destination: string, low: number): void {
  log.writer.commit(null, [settlement(low, cursorRow(destination, low))])
}

function present(): number[] {
  return log.payloads().map(Number)
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

test('settled messages that are older than the history are deleted', () => {
  open({ maxBytes: MAX_BYTES, historyMaxAgeMs: 10_000, historyMaxBytes: MAX_BYTES })
  write(1, 2, 30)
  settle('fast', 31)
  log.writer.sweep(30_000)
  expect(present()).toEqual(range(20, 30))
  log.writer.sweep(60_000)
  expect(present()).toEqual([])
})

test('settled messages beyond the size of the history are deleted, the oldest first', () => {
  open({ maxBytes: MAX_BYTES, historyMaxAgeMs: Infinity, historyMaxBytes: 5_500 })
  write(1, 2, 30)
  settle('fast', 31)
  log.writer.sweep(30_000)
  expect(present()).toEqual(range(26, 30))
})

test('an unsettled message is never deleted, however old it is', () => {
  open(NO_HISTORY)
  write(1, 2, 30)
  settle('fast', 21)
  log.writer.sweep(1e12)
  expect(present()).toEqual(range(21, 30))
})

test('a block stays while one message in it is unsettled', () => {
  open(NO_HISTORY)
  log.writer.commit(batchOf(2, blocksOf(1, 2, ['2', '3', '4'])), [])
  settle('fast', 4)
  log.writer.sweep(1e12)
  expect(present()).toEqual([2, 3, 4])
  settle('fast', 5)
  log.writer.sweep(1e12)
  expect(present()).toEqual([])
})

test('a dead destination holds back only its own streams', () => {
  open(NO_HISTORY)
  for (let number = 2; number <= 41; number++) write(number % 2 === 0 ? 1 : 2, number, number)
  settle('fast', 42)
  log.writer.sweep(1e12)
  expect(present()).toEqual(range(2, 41).filter((number) => number % 2 === 1))
  settle('dead', 20)
  log.writer.sweep(1e12)
  expect(present()).toEqual(range(20, 41).filter((number) => number % 2 === 1))
})

test('messages without a destination are history at once', () => {
  open({ maxBytes: MAX_BYTES, historyMaxAgeMs: 5_000, historyMaxBytes: MAX_BYTES })
  write(3, 2, 11)
  log.writer.sweep(11_000)
  expect(present()).toEqual(range(6, 11))
})

test('deletion of history keeps up when every commit holds a single message', () => {
  open(NO_HISTORY)
  write(3, 2, 2_000, 10)
  expect(present().length).toBeLessThan(200)
})

test('the limits hold after a restart too', () => {
  open({ maxBytes: MAX_BYTES, historyMaxAgeMs: 10_000, historyMaxBytes: MAX_BYTES })
  write(1, 2, 30)
  settle('fast', 31)
  log.abandon()
  log = new OpenLog(openOptions(folder.path, { maxBytes: MAX_BYTES }), {
    maxBytes: MAX_BYTES,
    historyMaxAgeMs: Infinity,
    historyMaxBytes: 3_500,
  })
  log.writer.sweep(30_000)
  expect(present()).toEqual(range(28, 30))
})

test('a batch is refused only when no history is left to delete', () => {
  open({ ...ALL_HISTORY, maxBytes: MAX_BYTES })
  write(3, 2, 1 + 60, 100_000)
  expect(log.writer.retention.wantedBytes).toBe(0)
  expect(present().length).toBeLessThan(60)
  expect(present().at(-1)).toBe(61)
  expect(log.writer.retention.usedBytes()).toBeLessThan(databaseBytes(MAX_BYTES))
})

test('the file stays below its limit when nothing can be deleted', () => {
  open({ ...ALL_HISTORY, maxBytes: MAX_BYTES })
  write(2, 2, 200, 100_000)
  expect(log.writer.retention.usedBytes()).toBeLessThan(databaseBytes(MAX_BYTES))
  const kept = present()
  expect(kept).toEqual(range(2, kept.length + 1))
})

test('the quarantine is bounded by bytes', () => {
  open({ ...ALL_HISTORY, maxBytes: MAX_BYTES })
  for (let number = 2; number <= 120; number++)
    log.writer.commit(batchOf(number, [], [quarantineOp(number, new Uint8Array(50_000))], number * 1_000), [])
  const [row] = log.rows('SELECT sum(length(payload)) AS bytes, max(id) AS last FROM quarantine') as {
    bytes: number
    last: number
  }[]
  expect(row?.last).toBe(120)
  expect(row?.bytes).toBeLessThanOrEqual(MAX_BYTES / 16)
  expect(row?.bytes).toBeGreaterThan(MAX_BYTES / 16 - 20 * 50_000)
})

test('the quarantine is bounded by rows', () => {
  open(ALL_HISTORY)
  log.writer.commit(
    batchOf(
      2,
      [],
      Array.from({ length: 50 }, (_, index) => quarantineOp(index + 1)),
    ),
    [],
  )
  log.db.transaction(() => new QuarantineCap(log.db, 20).trim(MAX_BYTES))()
  expect(log.rows('SELECT count(*) AS rows, min(id) AS first FROM quarantine')).toEqual([{ rows: 20, first: 31 }])
})

test('a rollback discards the count of deleted blocks', () => {
  open({ maxBytes: MAX_BYTES, historyMaxAgeMs: Infinity, historyMaxBytes: 3_500 })
  write(1, 2, 11)
  settle('fast', 12)
  // The transaction that trims fails at its last block.
  log.writer.commit(batchOf(12, [...blocksOf(1, 12, ['12']), ...blocksOf(1, 12, ['12'])], [], 20_000), [])
  log.writer.sweep(20_000)
  expect(present()).toEqual(range(9, 11))
  expect(log.writer.retention.historyBytes).toBeLessThanOrEqual(3_500)
})

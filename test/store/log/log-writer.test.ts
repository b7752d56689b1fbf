import { afterEach, beforeEach, expect, test } from 'vitest'
import { openReadable } from '../../../daemon/store/connection.ts'
import type { Batch, Op } from '../../../daemon/store/log/batch.ts'
import { LogReader } from '../../../daemon/store/log/log-reader.ts'
import { temporaryFolder, type TemporaryFolder } from '../../servers/temporary-folder.ts'
import {
  batchOf,
  blocksOf,
  cursorRow,
  MiB,
  OpenLog,
  openOptions,
  quarantineOp,
  settlement,
  streamOp,
} from '../store-fixture.ts'

let folder: TemporaryFolder
let log: OpenLog

beforeEach(() => {
  folder = temporaryFolder('log-writer')
  log = new OpenLog(openOptions(folder.path))
})
afterEach(() => {
  log.abandon()
  folder.remove()
})

function state(): unknown {
  return log.rows('SELECT batch, seq FROM state')[0]
}

/** A transaction that fails at its last block, whose number is in use. */
function poisoned(number: number, ops: Op[] = []): Batch {
  return batchOf(number, [...blocksOf(2, 500, ['good']), ...blocksOf(2, 500, ['same number'])], ops)
}

test('a batch that is sent again is stored once', () => {
  const batch = batchOf(1, blocksOf(1, 1, ['a', 'b']), [streamOp(1, ['out'])])
  for (let time = 0; time < 3; time++) expect(log.writer.commit(batch, [])).toEqual({ status: 'committed' })
  expect(log.payloads()).toEqual(['a', 'b'])
  expect(log.rows('SELECT messages FROM streams')).toEqual([{ messages: 2 }])
  expect(state()).toEqual({ batch: 1, seq: 2 })
  expect([log.writer.committedBatch, log.writer.committedSeq]).toEqual([1, 2])
})

test('between two writes of the state row the blocks say where the log ends, to another writer too', () => {
  log.writer.commit(batchOf(1, blocksOf(1, 1, ['a']), [streamOp(1, ['out'])]), [])
  for (let number = 2; number <= 4; number++) log.writer.commit(batchOf(number, blocksOf(1, number, ['b'])), [])
  expect(state()).toEqual({ batch: 1, seq: 1 })
  expect([log.writer.committedBatch, log.writer.committedSeq]).toEqual([4, 4])
  const reader = new LogReader(openReadable(folder.path))
  expect([reader.lastSeq(), reader.written([1]).messages]).toEqual([4, 4])
  log.abandon()
  log = new OpenLog(openOptions(folder.path))
  expect([log.writer.committedBatch, log.writer.committedSeq]).toEqual([4, 4])
  log.writer.commit(batchOf(4, blocksOf(1, 4, ['b'])), [])
  log.writer.commit(batchOf(5, [], [quarantineOp(1)]), [])
  expect(state()).toEqual({ batch: 5, seq: 4 })
  expect(log.rows('SELECT messages FROM streams')).toEqual([{ messages: 4 }])
  expect([reader.lastSeq(), reader.written([1]).messages]).toEqual([4, 4])
  reader.close()
})

test('no block is deleted before the state row counts it', () => {
  log.writer.retention.setLimits({ maxBytes: 128 * MiB, historyMaxAgeMs: 0, historyMaxBytes: 0 })
  for (let number = 1; number <= 5; number++)
    log.writer.commit(
      batchOf(number, blocksOf(1, number, ['a']), number === 1 ? [streamOp(1, ['out'])] : []),
      number === 5 ? [settlement(1, cursorRow('out', 5))] : [],
    )
  log.writer.sweep(1_000_000)
  expect(log.payloads()).toEqual(['a'])
  expect(state()).toEqual({ batch: 5, seq: 5 })
  expect(log.rows('SELECT messages FROM streams')).toEqual([{ messages: 5 }])
})

test('a commit is fsynced exactly if something in it must survive a power cut', () => {
  const synced = (batch: Batch): boolean => {
    log.writer.commit(batch, [])
    return log.db.pragma('synchronous', { simple: true }) === 2
  }
  const loose = (number: number): Batch => ({ ...batchOf(number, blocksOf(1, number, ['a'])), durability: 'process' })
  expect(synced(batchOf(1, [], [streamOp(1, [])]))).toBe(true)
  expect(synced(loose(2))).toBe(false)
  expect(synced(loose(3))).toBe(false)
  expect(synced(batchOf(4, blocksOf(1, 4, ['a'])))).toBe(true)
})

test('the next writer knows the last batch', () => {
  log.writer.commit(batchOf(1, blocksOf(1, 1, ['a']), [streamOp(1, [])]), [])
  log.abandon()
  log = new OpenLog(openOptions(folder.path))
  expect(log.writer.committedBatch).toBe(1)
  log.writer.commit(batchOf(1, blocksOf(1, 1, ['a'])), [])
  log.writer.commit(batchOf(2, blocksOf(1, 2, ['b'])), [])
  expect(log.payloads()).toEqual(['a', 'b'])
})

test('a failed transaction leaves nothing behind, and its batch can be offered again', () => {
  const before = settlement(1, cursorRow('out', 7))
  const failed = log.writer.commit(
    poisoned(1, [streamOp(2, ['out']), { type: 'plan', row: { id: 1, body: '{}' } }, quarantineOp(1)]),
    [before],
  )
  expect(failed).toMatchObject({ status: 'fatal', corrupt: false, error: { code: 'store-failed' } })
  for (const table of ['blocks', 'streams', 'plans', "copies WHERE kind <> 'epoch'", 'quarantine', 'cursors'])
    expect(log.rows(`SELECT * FROM ${table}`)).toEqual([])
  expect(log.writer.streams.size).toBe(0)
  expect(log.writer.cursors.get('out', 'live')).toBeUndefined()
  expect(state()).toEqual({ batch: 0, seq: 0 })
  expect(log.writer.commit(batchOf(1, blocksOf(2, 500, ['good']), [streamOp(2, ['out'])]), [before])).toEqual({
    status: 'committed',
  })
  expect(log.payloads()).toEqual(['good'])
  expect(log.writer.streams.get(2)?.destinations).toEqual(['out'])
  expect(log.writer.cursors.get('out', 'live')?.low).toBe(7)
})

test('a failed transaction keeps the streams from before it', () => {
  log.writer.commit(batchOf(1, [], [streamOp(2, ['out'])]), [])
  log.writer.commit(poisoned(2, [streamOp(2, ['out']), streamOp(3, ['out'])]), [])
  expect([...log.writer.streams.keys()]).toEqual([2])
})

test('operations and blocks of one batch become durable together', () => {
  const ops: Op[] = [
    { type: 'plan', row: { id: 4, body: '{"p":1}' } },
    streamOp(1, ['out']),
    { type: 'incoming', clientId: 'c', packetId: 3 },
    { type: 'incoming', clientId: 'c', packetId: 4 },
    { type: 'incoming-delete', clientId: 'c', packetId: 3 },
    { type: 'retain', row: { topic: 't', payload: Buffer.from('1'), qos: 1 } },
    { type: 'retain', row: { topic: 't', payload: Buffer.from('2'), qos: 0 } },
    quarantineOp(9),
    { type: 'clock-offset', wallMinusRunningMs: 12 },
  ]
  log.writer.commit(batchOf(1, blocksOf(1, 1, ['a']), ops), [])
  expect(log.reader.plan(4)).toBe('{"p":1}')
  expect(log.rows('SELECT packet_id FROM incoming')).toEqual([{ packet_id: 4 }])
  expect(log.rows('SELECT payload, qos FROM retained')).toEqual([{ payload: Buffer.from('2'), qos: 0 }])
  expect(log.rows('SELECT id FROM quarantine')).toEqual([{ id: 9 }])
  expect(log.reader.wallOffset(log.opened.identity.boot)).toBe(12)
  log.writer.commit(
    batchOf(
      2,
      [],
      [
        { type: 'incoming-clear', clientId: 'c' },
        { type: 'retain-delete', topic: 't' },
      ],
    ),
    [],
  )
  expect([log.rows('SELECT * FROM incoming'), log.rows('SELECT * FROM retained')]).toEqual([[], []])
})

test('a dropped batch loses its messages, keeps its operations, and uses up its numbers', () => {
  const batch = batchOf(1, blocksOf(1, 1, ['a', 'b']), [
    streamOp(1, ['out']),
    { type: 'incoming', clientId: 'c', packetId: 1 },
  ])
  expect(log.writer.commitWithoutMessages(batch)).toEqual({ status: 'committed' })
  expect(log.payloads()).toEqual([])
  expect(log.rows('SELECT id FROM streams')).toEqual([{ id: 1 }])
  expect(log.rows('SELECT packet_id FROM incoming')).toEqual([{ packet_id: 1 }])
  expect(state()).toEqual({ batch: 1, seq: 2 })
})

test('over maxBytes a batch is refused, and the settlements beside it are stored', () => {
  log.abandon()
  log = new OpenLog(openOptions(folder.path, { maxBytes: 24 * MiB }), {
    maxBytes: 24 * MiB,
    historyMaxAgeMs: Infinity,
    historyMaxBytes: Infinity,
  })
  log.writer.commit(batchOf(1, [], [streamOp(1, ['out'])]), [])
  let number = 1
  let result = log.writer.commit(null, [])
  while (result.status === 'committed')
    result = log.writer.commit(batchOf(++number, blocksOf(1, number, ['x'.repeat(250_000)])), [])
  expect(result).toMatchObject({ status: 'full', cause: 'limit', error: { code: 'store-full' } })
  expect(log.writer.retention.wantedBytes).toBeGreaterThan(0)
  const stored = log.payloads().length
  expect(stored).toBe(number - 2)
  expect(
    log.writer.commit(batchOf(number, blocksOf(1, number, ['x'.repeat(250_000)])), [
      settlement(1, cursorRow('other', 5)),
    ]),
  ).toMatchObject({ status: 'full', settled: true })
  expect(log.reader.cursors()).toEqual([cursorRow('other', 5)])
  // The batch may use the space that the settlements beside it free.
  expect(
    log.writer.commit(batchOf(number, blocksOf(1, number, ['last'])), [settlement(2, cursorRow('out', number))]),
  ).toEqual({ status: 'committed' })
  expect(log.payloads().at(-1)).toBe('last')
})

test('quarantined payloads count against maxBytes', () => {
  log.abandon()
  log = new OpenLog(openOptions(folder.path, { maxBytes: 24 * MiB }), {
    maxBytes: 24 * MiB,
    historyMaxAgeMs: 0,
    historyMaxBytes: 0,
  })
  expect(log.writer.commit(batchOf(1, [], [quarantineOp(1, new Uint8Array(5 * MiB))]), [])).toMatchObject({
    status: 'full',
    cause: 'limit',
  })
  expect(log.rows('SELECT id FROM quarantine')).toEqual([])
})

test('a refused message leaves the quarantine in the commit of its batch', () => {
  log.writer.commit(batchOf(1, [], [quarantineOp(1), quarantineOp(2)]), [])
  log.writer.commit(batchOf(2, [], [{ type: 'quarantine-delete', id: 2 }]), [])
  expect(log.rows('SELECT id FROM quarantine')).toEqual([{ id: 1 }])
})

import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DeadLetterInput } from '../../../daemon/store/tables/dead-letters.ts'
import type { HeldInput } from '../../../daemon/store/tables/held.ts'
import { temporaryFolder, type TemporaryFolder } from '../../servers/temporary-folder.ts'
import { cursorRow, OpenLog, openOptions, settlement } from '../store-fixture.ts'

let folder: TemporaryFolder
let log: OpenLog

beforeEach(() => {
  folder = temporaryFolder('cursors')
  log = new OpenLog(openOptions(folder.path))
})
afterEach(() => {
  log.abandon()
  folder.remove()
})

function letter(seq: number): DeadLetterInput {
  return {
    seq,
    target: 0,
    messageId: `gw:1:${seq}`,
    topic: 't',
    address: 'a',
    clientId: 'c',
    code: 'message-refused',
    answer: 'no',
    epoch: 1,
    boot: 1,
    record: Buffer.from('record'),
    wallMs: 1,
  }
}

function held(seq: number): HeldInput {
  return {
    seq,
    target: 0,
    route: 'r',
    epoch: 1,
    boot: 1,
    sinceRunningMs: 0,
    record: Buffer.from('record'),
    replayedMs: null,
  }
}

test('settlements, dead letters and held messages are idempotent', () => {
  const one = settlement(1, cursorRow('out', 5, { ranges: [[7, 8]] }), {
    deadLetters: [letter(2)],
    held: [held(3), held(4)],
  })
  const two = settlement(2, cursorRow('out', 9), { released: [{ seq: 3, target: 0 }] })
  for (let time = 0; time < 3; time++) expect(log.writer.commit(null, [one, two])).toEqual({ status: 'committed' })
  expect(log.reader.cursors()).toEqual([cursorRow('out', 9)])
  expect(log.rows('SELECT seq FROM dead_letters')).toEqual([{ seq: 2 }])
  expect(log.reader.held('out', undefined, 10).map((row) => row.seq)).toEqual([4])
})

test('an older settlement that is sent again takes nothing back', () => {
  const reports = [
    cursorRow('out', 5, { settled: 4 }),
    cursorRow('out', 5, { settled: 6, ranges: [[7, 8]] }),
    cursorRow('out', 9, { settled: 8 }),
  ]
  fc.assert(
    fc.property(fc.array(fc.nat(2), { maxLength: 12 }), (order) => {
      log.db.exec('DELETE FROM cursors')
      log.writer.cursors.forget('out')
      let newest = -1
      for (const index of order) {
        log.writer.commit(null, [settlement(index, reports[index]!)])
        newest = Math.max(newest, index)
        expect(log.reader.cursors()).toEqual([reports[newest]])
        expect(log.writer.cursors.get('out', 'live')).toEqual(reports[newest])
      }
    }),
    { numRuns: 40 },
  )
})

test('a destination has a cursor of its own on each lane', () => {
  log.writer.commit(null, [
    settlement(1, cursorRow('out', 5)),
    settlement(2, cursorRow('out', 3, { lane: 'alarm' })),
    settlement(3, cursorRow('other', 2)),
  ])
  expect(log.reader.cursors()).toHaveLength(3)
  expect(log.writer.cursors.get('out', 'alarm')?.low).toBe(3)
  expect(log.writer.cursors.get('out', 'bulk')).toBeUndefined()
})

test('a writer starts with the stored cursors', () => {
  log.writer.commit(null, [settlement(1, cursorRow('out', 5, { ranges: [[7, 8]] }))])
  log.abandon()
  log = new OpenLog(openOptions(folder.path))
  expect([...log.writer.cursors.all()]).toEqual([cursorRow('out', 5, { ranges: [[7, 8]] })])
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { atOnce } from '../../../daemon/core/turn.ts'
import type { Op } from '../../../daemon/store/log/batch.ts'
import { CallReader } from '../../../daemon/store/tables/calls.ts'
import { temporaryFolder, type TemporaryFolder } from '../../servers/temporary-folder.ts'
import { batchOf, blocksOf, cursorRow, OpenLog, openOptions, streamOp, ALL_HISTORY } from '../store-fixture.ts'
import { AT, callRow } from './registry-fixture.ts'

let folder: TemporaryFolder
let log: OpenLog
let number = 0

beforeEach(() => {
  folder = temporaryFolder('registry')
  log = new OpenLog(openOptions(folder.path))
  number = 0
})
afterEach(() => {
  log.close()
  folder.remove()
})

function commit(...ops: Op[]): void {
  expect(log.writer.commit(batchOf(++number, [], ops), [])).toEqual({ status: 'committed' })
}

describe('a recorded call', () => {
  const calls = (): unknown[] => log.rows('SELECT id, broker_response FROM message_call_logs ORDER BY id')

  test('is completed once every destination has settled the message', () => {
    const state = { seq: 1, stream: 1, receivedRunningMs: 0 }
    const ops: Op[] = [streamOp(1, ['bus', 'journal']), { type: 'call', row: callRow('one'), state }]
    log.writer.commit(batchOf(++number, blocksOf(1, 1, ['{}']), ops), [])
    log.writer.sweep(0)
    expect(calls()).toEqual([{ id: 'one', broker_response: null }])
    const letter = { seq: 1, messageId: 'm', topic: 't', address: 'a', clientId: 'c', code: 'message-too-large' }
    const deadLetters = [{ ...letter, answer: '', target: 0, epoch: 1, boot: 1, record: Buffer.alloc(0), wallMs: 0 }]
    const settled = { deadLetters: [], held: [], released: [] }
    log.writer.commit(null, [{ number: 1, cursor: cursorRow('journal', 2), ...settled }])
    log.writer.sweep(0)
    expect(calls()).toEqual([{ id: 'one', broker_response: null }])
    log.writer.commit(null, [{ number: 2, cursor: cursorRow('bus', 2), ...settled, deadLetters }])
    log.writer.sweep(0)
    expect(calls()).toEqual([
      { id: 'one', broker_response: '{"bus":"dead-lettered: message-too-large","journal":"settled"}' },
    ])
    expect(log.rows('SELECT * FROM call_states')).toEqual([])
  })

  test('names the destinations that dropped its message or let it expire, lane by lane', () => {
    const settled = { deadLetters: [], held: [], released: [] }
    const ops: Op[] = [streamOp(1, ['bus', 'journal']), streamOp(2, ['bus'], 'alarm')]
    for (const seq of [1, 2, 3, 4])
      ops.push({
        type: 'call',
        row: callRow(`c${seq}`),
        state: { seq, stream: seq === 3 ? 2 : 1, receivedRunningMs: 0 },
      })
    log.writer.commit(batchOf(++number, blocksOf(1, 1, ['{}', '{}', '{}', '{}']), ops), [])
    const lost = [
      { from: 1, to: 1, fate: 'expired' as const },
      { from: 2, to: 4, fate: 'dropped' as const },
    ]
    log.writer.commit(null, [{ number: 1, cursor: cursorRow('journal', 5), ...settled }])
    log.writer.commit(null, [{ number: 2, cursor: cursorRow('bus', 5), ...settled, lost }])
    log.writer.commit(null, [{ number: 3, cursor: cursorRow('bus', 5, { lane: 'alarm' }), ...settled }])
    log.writer.sweep(0)
    expect(calls()).toEqual([
      { id: 'c1', broker_response: '{"bus":"expired","journal":"settled"}' },
      { id: 'c2', broker_response: '{"bus":"dropped","journal":"settled"}' },
      { id: 'c3', broker_response: '{"bus":"settled"}' },
      { id: 'c4', broker_response: '{"bus":"dropped","journal":"settled"}' },
    ])
    expect(log.rows('SELECT * FROM call_losses')).toEqual([])
  })

  test('has no stored losses unless it waits for one of them', () => {
    const ops: Op[] = [streamOp(1, ['bus'])]
    ops.push({ type: 'call', row: callRow('one'), state: { seq: 9, stream: 1, receivedRunningMs: 0 } })
    log.writer.commit(batchOf(++number, blocksOf(1, 9, ['{}']), ops), [])
    const lost = [{ from: 1, to: 8, fate: 'dropped' as const }]
    const settlement = { number: 1, cursor: cursorRow('bus', 9), deadLetters: [], held: [], released: [], lost }
    log.writer.commit(null, [settlement])
    expect(log.rows('SELECT * FROM call_losses')).toEqual([])
  })

  test('waits for a held message, and says in the end how it was settled', () => {
    const nothing = { deadLetters: [], held: [], released: [] }
    const state = (seq: number) => ({ seq, stream: 1, receivedRunningMs: 0 })
    const ops: Op[] = [streamOp(1, ['bus'])]
    for (const seq of [1, 2]) ops.push({ type: 'call', row: callRow(`c${seq}`), state: state(seq) })
    log.writer.commit(batchOf(++number, blocksOf(1, 1, ['{}', '{}']), ops), [])
    const held = [
      {
        seq: 1,
        target: 0,
        replayedMs: null,
        route: 'r',
        epoch: 1,
        boot: 1,
        sinceRunningMs: 0,
        record: Buffer.alloc(1),
      },
    ]
    log.writer.commit(null, [{ number: 1, cursor: cursorRow('bus', 3), ...nothing, held }])
    log.writer.sweep(0)
    expect(calls()).toEqual([
      { id: 'c1', broker_response: null },
      { id: 'c2', broker_response: '{"bus":"settled"}' },
    ])
    const letter = { seq: 1, messageId: 'm', topic: 't', address: 'a', clientId: 'c', code: 'held-too-long' }
    const deadLetters = [{ ...letter, answer: '', target: 0, epoch: 1, boot: 1, record: Buffer.alloc(0), wallMs: 0 }]
    log.writer.commit(null, [
      { number: 2, cursor: cursorRow('bus', 3), ...nothing, released: [{ seq: 1, target: 0 }], deadLetters },
    ])
    log.writer.sweep(0)
    expect(calls()[0]).toEqual({ id: 'c1', broker_response: '{"bus":"dead-lettered: held-too-long"}' })
  })

  test('is completed in time: each commit completes more calls than it adds', () => {
    const nothing = { deadLetters: [], held: [], released: [] }
    log.writer.commit(batchOf(++number, [], [streamOp(1, ['bus'])]), [])
    let seq = 0
    for (let round = 0; round < 20; round++) {
      const ops: Op[] = Array.from({ length: 500 }, () => ({
        type: 'call' as const,
        row: callRow(`c${++seq}`),
        state: { seq, stream: 1, receivedRunningMs: 0 },
      }))
      log.writer.commit(batchOf(++number, [], ops), [
        { number: round, cursor: cursorRow('bus', seq - 499), ...nothing },
      ])
    }
    // Only the calls of the last commits wait.
    expect(log.rows('SELECT count(*) AS waiting FROM call_states')).toEqual([{ waiting: 1_000 }])
    log.writer.commit(null, [{ number: 100, cursor: cursorRow('bus', seq + 1), ...nothing }])
    log.writer.sweep(0)
    expect(log.rows('SELECT count(*) AS waiting FROM call_states')).toEqual([{ waiting: 0 }])
  })

  test('has the time from receipt to durable, not that of its destinations', () => {
    const ops: Op[] = [streamOp(1, ['bus'])]
    ops.push({ type: 'call', row: callRow('one'), state: { seq: 1, stream: 1, receivedRunningMs: 900 } })
    log.writer.commit(batchOf(++number, blocksOf(1, 1, ['{}']), ops, 1_000), [], 50)
    log.writer.sweep(1_100)
    const times = (): unknown[] => log.rows('SELECT response_time_ms AS ms FROM message_call_logs')
    const [first] = times()
    expect(first).toEqual({ ms: expect.toSatisfy((ms: number) => ms >= 150 && ms < 1_000) as number })
    log.writer.sweep(1_200)
    expect(times()).toEqual([first])
  })

  test('of a message that goes nowhere is complete at once', () => {
    const state = { seq: 1, stream: 1, receivedRunningMs: 0 }
    const ops: Op[] = [streamOp(1, []), { type: 'call', row: callRow('one'), state }]
    log.writer.commit(batchOf(++number, blocksOf(1, 1, ['{}']), ops), [])
    log.writer.sweep(0)
    expect(calls()).toEqual([{ id: 'one', broker_response: '{}' }])
  })

  test('is bounded by bytes', () => {
    log.close()
    log = new OpenLog(openOptions(folder.path), { ...ALL_HISTORY, callLog: { maxAgeMs: 1e9, maxBytes: 2_000 } })
    for (let index = 0; index < 20; index++) commit({ type: 'call', row: callRow(`n${index}`) })
    log.writer.sweep(0)
    expect(calls().length).toBeLessThan(20)
  })

  test('ages by running time, whatever the wall clock said', () => {
    const hour = 3_600_000
    log.close()
    log = new OpenLog(openOptions(folder.path), { ...ALL_HISTORY, callLog: { maxAgeMs: hour, maxBytes: 1e9 } })
    const callAt = (id: string, runningMs: number, created_at: string): void => {
      const op: Op = { type: 'call', row: { ...callRow(id), created_at } }
      expect(log.writer.commit(batchOf(++number, [], [op], runningMs), [])).toEqual({ status: 'committed' })
    }
    const ids = (): unknown[] => log.rows('SELECT id FROM message_call_logs ORDER BY rowid').map((row) => row)
    callAt('first', 0, '2099-01-01T00:00:00.000Z')
    callAt('second', 0.9 * hour, '1970-01-01T00:00:00.000Z')
    log.writer.sweep(hour)
    expect(ids()).toEqual([{ id: 'first' }, { id: 'second' }])
    log.writer.sweep(1.95 * hour)
    expect(ids()).toEqual([{ id: 'second' }])
    // No call follows the last one, and the table begins anew when it has become empty.
    log.writer.sweep(3.1 * hour)
    expect(ids()).toEqual([])
    callAt('third', 3.2 * hour, AT)
    log.writer.sweep(4.1 * hour)
    expect(ids()).toEqual([{ id: 'third' }])
    expect(log.rows('SELECT count(*) AS marks FROM call_times')).toEqual([{ marks: 2 }])
  })

  test('is read in pages, the newest first', () => {
    for (const id of ['one', 'two', 'three']) commit({ type: 'call', row: callRow(id) })
    const reader = new CallReader(log.db)
    const first = atOnce(reader.page({ limit: 2, where: { channel_id: 'channel-a' } }))
    expect(first.map((row) => row.id)).toEqual(['three', 'two'])
    const second = atOnce(reader.page({ limit: 2, before: first[1]?.rowid, where: {} }))
    expect(second.map((row) => row.id)).toEqual(['one'])
    expect(atOnce(reader.page({ limit: 2, where: { channel_id: 'other' } }))).toEqual([])
  })
})

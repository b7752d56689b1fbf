import { closeSync, openSync, readdirSync, writeSync } from 'node:fs'
import { expect } from 'vitest'
import {
  batchOf,
  blocksOf,
  cursorRow,
  OpenLog,
  openOptions,
  quarantineOp,
  settlement,
  streamOp,
} from '../store-fixture.ts'

export const BATCHES = 400
const PER_BATCH = 20
export const MESSAGES = BATCHES * PER_BATCH
/** Messages that the destination has settled. */
export const SETTLED = 200

/** A store of `MESSAGES` messages, as after a crash. */
export function writeOriginal(directory: string): void {
  const log = new OpenLog(openOptions(directory))
  log.writer.commit(
    batchOf(1, [], [{ type: 'plan', row: { id: 1, body: '{"plan":1}' } }, streamOp(1, ['out']), quarantineOp(1)]),
    [],
  )
  for (let batch = 0; batch < BATCHES; batch++) {
    const first = batch * PER_BATCH + 1
    const payloads = Array.from({ length: PER_BATCH }, (_, index) => `${first + index}`.padEnd(150))
    log.writer.commit(batchOf(batch + 2, blocksOf(1, first, payloads), [], batch), [])
  }
  log.writer.commit(null, [settlement(1, cursorRow('out', SETTLED + 1))])
  log.abandon()
}

export function overwrite(file: string, at: number, bytes: Uint8Array): void {
  const fd = openSync(file, 'r+')
  writeSync(fd, bytes, 0, bytes.length, at)
  closeSync(fd)
}

export function asideFolders(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith('damaged-'))
}

interface Outcome {
  salvaged: boolean
  messages: number
  backlog: number
  damage: string[]
}

/** Opens a store as the daemon does, reads all of it as the forwarder does, and checks that no record is wrong. */
export function startOn(directory: string): Outcome {
  const damage: string[] = []
  const log = new OpenLog(openOptions(directory), undefined, (what) => damage.push(what))
  try {
    const seqs = new Set<number>()
    const epochs = new Set<number>()
    let wrong = 0
    for (const head of log.reader.headsAfter(0, 1_000_000)) {
      for (const record of log.reader.read(head)?.records ?? []) {
        if (record.payload.toString() !== `${record.seq}`.padEnd(150) || seqs.has(record.seq)) wrong++
        seqs.add(record.seq)
      }
      epochs.add(head.epoch)
    }
    if (log.opened.salvaged !== undefined && seqs.size > 0) {
      expect(log.reader.plan(1)).toBe('{"plan":1}')
      expect(log.reader.streams()).toEqual([{ id: 1, lane: 'live', destinations: ['out'] }])
      for (const epoch of epochs) expect(log.reader.messageIdPrefix(epoch)).toMatch(/^gw:[0-9a-f]{12}:$/)
    }
    expect(wrong).toBe(0)
    const { seq, batch, salvaged } = log.opened
    expect(seq).toBeGreaterThanOrEqual(Math.max(0, ...seqs))
    const cursor = log.reader.cursors()[0]
    if (cursor !== undefined) expect(cursor.low).toBeLessThanOrEqual(SETTLED + 1)
    const backlog = log.reader.written([1]).messages - (cursor?.settled ?? 0)
    const stored = log.writer.commit(batchOf(batch + 1, blocksOf(1, seq + 1, [`${seq + 1}`.padEnd(150)])), [])
    // The writer may meet damage too.
    if (stored.status === 'fatal' && stored.corrupt) damage.push(stored.error.message)
    else expect(stored).toEqual({ status: 'committed' })
    return { salvaged: salvaged !== undefined, messages: seqs.size, backlog, damage }
  } finally {
    log.abandon()
  }
}

import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { databaseFile, PAGE_BYTES } from '../../../daemon/store/connection.ts'
import { temporaryFolder, type TemporaryFolder } from '../../servers/temporary-folder.ts'
import { batchOf, blocksOf, OpenLog, openOptions, streamOp } from '../store-fixture.ts'

const BLOCKS = 400

let folder: TemporaryFolder
let log: OpenLog
let damage: string[]

beforeEach(() => {
  folder = temporaryFolder('log-reader')
  damage = []
  open()
  for (let number = 1; number <= BLOCKS; number++)
    log.writer.commit(
      batchOf(number, blocksOf(1, number, ['x'.repeat(500)]), number === 1 ? [streamOp(1, [])] : []),
      [],
    )
})
afterEach(() => {
  log.abandon()
  folder.remove()
})

function open(): void {
  log = new OpenLog(openOptions(folder.path), undefined, (what) => damage.push(what))
}

describe('headsAfter', () => {
  test('returns the oldest blocks first, up to the limit', () => {
    expect(log.reader.headsAfter(0, 3).map((head) => head.id)).toEqual([1, 2, 3])
    expect(log.reader.headsAfter(398, 3).map((head) => head.id)).toEqual([399, 400])
    expect(log.reader.headsAfter(BLOCKS, 3)).toEqual([])
    expect(damage).toEqual([])
  })

  test('ends before an unreadable page, and reports it', () => {
    // Everything in the database file, nothing in the WAL.
    log.abandon()
    open()
    const file = databaseFile(folder.path)
    const pages = statSync(file).size / PAGE_BYTES
    expect(pages).toBeGreaterThan(50)
    const fd = openSync(file, 'r+')
    for (let page = Math.floor(pages / 2); page < pages; page++)
      writeSync(fd, Buffer.alloc(PAGE_BYTES, 0xff), 0, PAGE_BYTES, page * PAGE_BYTES)
    closeSync(fd)
    const ids = log.reader.headsAfter(0, BLOCKS).map((head) => head.id)
    expect(ids.length).toBeGreaterThan(40)
    expect(ids.length).toBeLessThan(BLOCKS)
    expect(ids).toEqual(Array.from(ids, (_, index) => index + 1))
    expect(damage.length).toBeGreaterThan(0)
  })
})

test('a snapshot does not see later commits', () => {
  const { reader } = log
  const [before, meanwhile] = reader.snapshot(() => {
    const first = reader.lastSeq()
    log.writer.commit(batchOf(BLOCKS + 1, blocksOf(1, BLOCKS + 1, ['new'])), [])
    return [first, reader.headsAfter(BLOCKS, 10)]
  })
  expect(before).toBe(BLOCKS)
  expect(meanwhile).toEqual([])
  expect(reader.headsAfter(BLOCKS, 10).map((head) => head.id)).toEqual([BLOCKS + 1])
})

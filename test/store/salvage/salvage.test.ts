import {
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { databaseFile, PAGE_BYTES } from '../../../daemon/store/connection.ts'
import { requestCheck } from '../../../daemon/store/open-store.ts'
import { findDamage } from '../../../daemon/store/salvage/check-store.ts'
import { temporaryFolder, type TemporaryFolder } from '../../servers/temporary-folder.ts'
import { batchOf, blocksOf, OpenLog, openOptions } from '../store-fixture.ts'
import { asideFolders, BATCHES, MESSAGES, overwrite, SETTLED, startOn, writeOriginal } from './salvage-fixture.ts'

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const DATABASES = Number(process.env['SOAK'] ?? 0) > 0 ? 500 : 50

let folder: TemporaryFolder
let original: string

beforeAll(() => {
  folder = temporaryFolder('salvage')
  original = join(folder.path, 'original')
  writeOriginal(original)
})
afterAll(() => folder.remove())

let copies = 0

function damagedCopy(damage: (file: string) => void): string {
  const directory = join(folder.path, `copy-${++copies}`)
  cpSync(original, directory, { recursive: true })
  damage(databaseFile(directory))
  return directory
}

test(
  `with a random page overwritten ${DATABASES} of ${DATABASES} stores start, without a wrong record, and the rest comes back (seed ${SEED})`,
  { timeout: 600_000 },
  () => {
    const pages = statSync(databaseFile(original)).size / PAGE_BYTES
    let seed = SEED
    const random = (): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return seed / 2 ** 32
    }
    const shares: number[] = []
    let atStart = 0
    let atRead = 0
    for (let database = 0; database < DATABASES; database++) {
      const page = Math.floor(random() * pages)
      const directory = damagedCopy((file) =>
        overwrite(
          file,
          page * PAGE_BYTES,
          Buffer.from(Array.from({ length: PAGE_BYTES }, () => Math.floor(random() * 256))),
        ),
      )
      const thorough = findDamage(directory, true)
      let outcome = startOn(directory)
      if (outcome.salvaged) atStart++
      else if (outcome.damage.length > 0) {
        // As the forwarder has it done: the next start checks everything.
        atRead++
        requestCheck(directory)
        outcome = startOn(directory)
        expect(outcome.salvaged).toBe(true)
      }
      // Damage that only a whole check sees is in pages that were not read: free ones, indexes, other tables.
      if (!outcome.salvaged && thorough !== undefined) expect(outcome.messages).toBe(MESSAGES)
      expect(asideFolders(directory)).toHaveLength(outcome.salvaged ? 1 : 0)
      shares.push(outcome.messages / MESSAGES)
      expect(startOn(directory).salvaged).toBe(false)
      rmSync(directory, { recursive: true })
    }
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
    console.info(
      `seed ${SEED}: ${(mean * 100).toFixed(2)} % of the messages came back, ${(Math.min(...shares) * 100).toFixed(1)} % in the worst case; seen at start ${atStart}, when read ${atRead}`,
    )
    expect(mean).toBeGreaterThan(0.97)
    expect(Math.min(...shares)).toBeGreaterThan(0.9)
  },
)

test('everything comes back from a database with a zeroed header', () => {
  for (const bytes of [100, PAGE_BYTES]) {
    const directory = damagedCopy((file) => {
      rmSync(`${file}-wal`, { force: true })
      overwrite(file, 0, new Uint8Array(bytes))
    })
    expect(startOn(directory)).toMatchObject({ salvaged: true, messages: MESSAGES, backlog: MESSAGES - SETTLED })
    expect(asideFolders(directory)).toHaveLength(1)
  }
})

test('the front of a truncated database comes back', () => {
  const { size } = statSync(databaseFile(original))
  for (const share of [0.9, 0.5, 0.3]) {
    const directory = damagedCopy((file) => truncateSync(file, Math.floor(size * share) + 123))
    const { salvaged, messages } = startOn(directory)
    expect(salvaged).toBe(true)
    // The front holds the first page of every table too.
    expect(messages).toBeGreaterThan(MESSAGES * share * 0.7)
    expect(asideFolders(directory)).toHaveLength(1)
  }
})

test('a file that is no database is moved aside, and a new one begins', () => {
  for (const content of [Buffer.alloc(64 * 1024, 7), Buffer.from('SQLite'), Buffer.alloc(8192)]) {
    const directory = damagedCopy((file) => {
      truncateSync(file, 0)
      overwrite(file, 0, content)
    })
    expect(startOn(directory)).toMatchObject({ salvaged: true, messages: 0 })
    expect(asideFolders(directory)).toHaveLength(1)
  }
})

test('a WAL without its database is moved aside', () => {
  const directory = damagedCopy((file) => renameSync(file, `${file}-wal`))
  expect(startOn(directory)).toMatchObject({ salvaged: true, messages: 0 })
  expect(existsSync(join(directory, asideFolders(directory)[0] ?? '', 'stepflow.db-wal'))).toBe(true)
})

test('the damaged files are kept unchanged', () => {
  const directory = damagedCopy((file) => overwrite(file, 0, new Uint8Array(100)))
  const { size } = statSync(databaseFile(directory))
  startOn(directory)
  expect(statSync(join(directory, asideFolders(directory)[0] ?? '', 'stepflow.db')).size).toBe(size)
})

test('two salvages at the same time of day keep both damaged databases', () => {
  const directory = damagedCopy((file) => overwrite(file, 0, new Uint8Array(100)))
  startOn(directory)
  overwrite(databaseFile(directory), 0, new Uint8Array(100))
  expect(startOn(directory).salvaged).toBe(true)
  expect(asideFolders(directory)).toHaveLength(2)
})

test('a salvage that is cut off is repeated or completed at the next start, and loses nothing', () => {
  const whole = damagedCopy((file) => overwrite(file, 0, new Uint8Array(100)))
  startOn(whole)
  // Cut off while copying: half a copy stands beside the damaged database.
  const early = damagedCopy((file) => overwrite(file, 0, new Uint8Array(100)))
  mkdirSync(join(early, 'salvage'))
  expect(startOn(early)).toMatchObject({ salvaged: true, messages: MESSAGES })
  // Cut off while exchanging: the damaged database has gone, the copy has not come yet.
  const late = damagedCopy((file) => overwrite(file, 0, new Uint8Array(100)))
  const probe = damagedCopy((file) => overwrite(file, 0, new Uint8Array(100)))
  startOn(probe)
  mkdirSync(join(late, 'salvaged'))
  renameSync(databaseFile(probe), databaseFile(join(late, 'salvaged')))
  if (existsSync(`${databaseFile(probe)}-wal`))
    renameSync(`${databaseFile(probe)}-wal`, `${databaseFile(join(late, 'salvaged'))}-wal`)
  const report = JSON.stringify({ damage: 'd', aside: join(late, 'damaged-x'), messages: 1, lostRows: 0 })
  const fd = openSync(join(late, 'salvaged', 'report.json'), 'w')
  writeSync(fd, report)
  closeSync(fd)
  mkdirSync(join(late, 'damaged-x'))
  renameSync(databaseFile(late), join(late, 'damaged-x', 'stepflow.db'))
  const log = new OpenLog(openOptions(late))
  expect(log.opened.salvaged).toMatchObject({ damage: 'd' })
  expect(log.payloads()).toHaveLength(MESSAGES + 1)
  log.abandon()
  expect(existsSync(join(late, 'salvaged'))).toBe(false)
  // Cut off at the very end: the copy has been emptied, the new database must stay.
  mkdirSync(join(late, 'salvaged'))
  expect(startOn(late)).toMatchObject({ salvaged: false, messages: MESSAGES + 1 })
})

test('a salvage draws a new store id, and running time goes on', () => {
  const directory = damagedCopy((file) => overwrite(file, 0, new Uint8Array(100)))
  const log = new OpenLog(openOptions(directory))
  expect(log.opened.identity.epoch).toBe(2)
  expect(log.opened.clock.runningMs()).toBeGreaterThanOrEqual(BATCHES - 1)
  log.abandon()
})

test('streams, plans and epochs on a lost page come back from their copies', () => {
  for (const table of ['streams', 'plans', 'epochs', 'copies', 'cursors', 'state']) {
    const probe = new OpenLog(openOptions(damagedCopy(() => undefined)))
    const root = Number(probe.db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(table))
    probe.abandon()
    const directory = damagedCopy((file) => overwrite(file, (root - 1) * PAGE_BYTES, Buffer.alloc(PAGE_BYTES, 0xa5)))
    const outcome = startOn(directory)
    expect(outcome.salvaged || table === 'plans' || table === 'copies', table).toBe(true)
    expect(outcome.messages, table).toBe(MESSAGES)
  }
})

test('a damaged index of blocks hides no message', () => {
  const probe = new OpenLog(openOptions(damagedCopy(() => undefined)))
  const root = Number(
    probe.db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'blocks_by_stream'").pluck().get(),
  )
  const [written, present] = [probe.reader.written([1]), probe.reader.present([1])]
  probe.abandon()
  expect(present).toMatchObject({ first: 1, messages: MESSAGES })
  const directory = damagedCopy((file) => overwrite(file, (root - 1) * PAGE_BYTES, Buffer.alloc(PAGE_BYTES, 0xa5)))
  const log = new OpenLog(openOptions(directory))
  expect(log.opened.salvaged).toBeUndefined()
  expect([log.reader.written([1]), log.reader.present([1])]).toEqual([written, present])
  log.abandon()
})

test('a lost page of the schema loses nothing, because every store has the same', () => {
  const page = readFileSync(databaseFile(original)).subarray(0, PAGE_BYTES)
  const children = Array.from({ length: page.readUInt16BE(103) }, (_, cell) =>
    page.readUInt32BE(page.readUInt16BE(112 + cell * 2)),
  )
  expect(children.length).toBeGreaterThan(1)
  for (const child of [...children, page.readUInt32BE(108)]) {
    const directory = damagedCopy((file) => overwrite(file, (child - 1) * PAGE_BYTES, Buffer.alloc(PAGE_BYTES, 0xa5)))
    expect(startOn(directory)).toMatchObject({ salvaged: true, messages: MESSAGES, backlog: MESSAGES - SETTLED })
  }
})

test('blocks that no page points to come back, from the write-ahead log too', () => {
  const running = damagedCopy(() => undefined)
  const log = new OpenLog(openOptions(running))
  const root = Number(log.db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'blocks'").pluck().get())
  for (let batch = 1; batch <= 5; batch++) {
    // The first one began a page, so that the root is written too; the others are in the log alone.
    if (batch === 2) log.db.pragma('wal_checkpoint(TRUNCATE)')
    const seq = MESSAGES + batch
    log.writer.commit(batchOf(log.opened.batch + batch, blocksOf(1, seq, [`${seq}`.padEnd(150)])), [])
  }
  const crashed = join(folder.path, 'crashed')
  cpSync(running, crashed, { recursive: true })
  log.abandon()
  expect(statSync(`${databaseFile(crashed)}-wal`).size).toBeGreaterThan(4 * PAGE_BYTES)
  overwrite(databaseFile(crashed), (root - 1) * PAGE_BYTES, Buffer.alloc(PAGE_BYTES, 0xa5))
  requestCheck(crashed)
  expect(startOn(crashed)).toMatchObject({ salvaged: true, messages: MESSAGES + 5 })
})

test('damage found while reading is reported and stepped over', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.1, max: 0.6, noNaN: true }), (share) => {
      const pages = statSync(databaseFile(original)).size / PAGE_BYTES
      const directory = damagedCopy((file) =>
        overwrite(file, Math.floor(pages * share) * PAGE_BYTES, Buffer.alloc(PAGE_BYTES, 0xff)),
      )
      const outcome = startOn(directory)
      expect(outcome.salvaged || outcome.damage.length > 0 || outcome.messages === MESSAGES).toBe(true)
      rmSync(directory, { recursive: true })
    }),
    { numRuns: 15 },
  )
})

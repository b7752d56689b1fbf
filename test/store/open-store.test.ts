import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeClock } from '../../daemon/core/clock.ts'
import { databaseFile } from '../../daemon/store/connection.ts'
import { openStore, requestCheck, type OpenStoreOptions } from '../../daemon/store/open-store.ts'
import { StoreLock } from '../../daemon/store/store-lock.ts'
import { APPLICATION_ID, SCHEMA_VERSION } from '../../daemon/store/tables/schema.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'
import { batchOf, blocksOf, OpenLog, openOptions, streamOp } from './store-fixture.ts'

let folder: TemporaryFolder

beforeEach(() => {
  folder = temporaryFolder('open-store')
})
afterEach(() => folder.remove())

/** Opens, stores one message, ends; returns the id of the store. */
function session(extra: Partial<OpenStoreOptions> = {}, end: 'clean' | 'crash' = 'clean'): string {
  const log = new OpenLog(openOptions(folder.path, extra))
  const { batch, seq, messageIdPrefix } = log.opened
  log.writer.commit(batchOf(batch + 1, blocksOf(1, seq + 1, ['m']), [streamOp(1, ['out'])]), [])
  if (end === 'clean') log.close()
  else log.abandon()
  return messageIdPrefix
}

test('after a clean end the store id stays, and numbers go on', () => {
  const first = session()
  expect(session()).toBe(first)
  expect(openStore(openOptions(folder.path))).toMatchObject({
    seq: 2,
    batch: 2,
    messageIdPrefix: first,
    salvaged: undefined,
  })
})

test('after an unclean end there is a new store id, and numbers go on', () => {
  const first = session({}, 'crash')
  const second = session({}, 'crash')
  expect(second).not.toBe(first)
  expect(openStore(openOptions(folder.path)).seq).toBe(2)
  expect(first).toMatch(/^gw:[0-9a-f]{12}:$/)
})

test('another machine or gateway id draws a new store id', () => {
  const ids = [
    session(),
    session({ machineId: 'other' }),
    session({ machineId: 'other', gatewayId: 'gw-2' }),
    session(),
  ]
  expect(new Set(ids).size).toBe(4)
  expect(ids[2]).toMatch(/^gw-2:/)
})

test('a requested check draws a new store id, because an older copy of the store may have been restored', () => {
  const first = session()
  requestCheck(folder.path)
  const second = session()
  expect(second).not.toBe(first)
  expect(session()).toBe(second)
})

test('messages keep the ids under which they were accepted', () => {
  const prefixes = [session({}, 'crash'), session({}, 'crash')]
  const log = new OpenLog(openOptions(folder.path))
  expect(log.reader.headsAfter(0, 10).map((head) => log.reader.messageIdPrefix(head.epoch))).toEqual(prefixes)
  log.abandon()
})

test('running time goes on over restarts and reboots', () => {
  const clock = new FakeClock()
  clock.advance(1_000)
  const log = new OpenLog(openOptions(folder.path, { clock }))
  clock.advance(5_000)
  log.writer.commit({ ...batchOf(1, []), clock: log.opened.clock.read() }, [])
  log.close()
  clock.advance(3_000)
  expect(openStore(openOptions(folder.path, { clock })).clock.runningMs()).toBe(8_000)
  const rebooted = new FakeClock(clock.wallMs() + 1_000)
  expect(openStore(openOptions(folder.path, { clock: rebooted, bootId: 'boot-2' })).clock.runningMs()).toBe(9_000)
  expect(
    openStore(openOptions(folder.path, { clock: rebooted, bootId: 'boot-3', clockSynced: false })).clock.runningMs(),
  ).toBe(5_000)
})

test('a store of a newer version is refused, and stays as it is', () => {
  session()
  const db = new Database(databaseFile(folder.path))
  db.pragma(`user_version = ${SCHEMA_VERSION + 1}`)
  db.exec('CREATE TABLE of_the_future (id INTEGER PRIMARY KEY)')
  db.close()
  const digest = (): string =>
    createHash('sha256')
      .update(readFileSync(databaseFile(folder.path)))
      .digest('hex')
  const before = digest()
  expect(() => openStore(openOptions(folder.path))).toThrow(expect.objectContaining({ code: 'store-newer' }))
  expect(digest()).toBe(before)
})

test('the WAL of a newer version stays as it is', () => {
  const db = new Database(databaseFile(folder.path))
  db.pragma('journal_mode = WAL')
  db.pragma(`application_id = ${APPLICATION_ID}`)
  db.pragma(`user_version = ${SCHEMA_VERSION + 1}`)
  const wal = `${databaseFile(folder.path)}-wal`
  const before = readFileSync(wal)
  expect(() => openStore(openOptions(folder.path))).toThrow(expect.objectContaining({ code: 'store-newer' }))
  expect(readFileSync(wal).equals(before)).toBe(true)
  db.close()
})

test('a second opener is refused until the first has released the store', () => {
  const lock = new StoreLock(join(folder.path, 'new', 'store'))
  expect(() => new StoreLock(join(folder.path, 'new', 'store'))).toThrow(
    expect.objectContaining({ code: 'store-locked' }),
  )
  lock.release()
  new StoreLock(join(folder.path, 'new', 'store')).release()
})

test('the error of an unusable folder names the folder', () => {
  mkdirSync(join(folder.path, 'lock.db'))
  expect(() => new StoreLock(folder.path)).toThrow(
    expect.objectContaining({ code: 'store-unusable', message: expect.stringContaining(folder.path) }),
  )
})

test('a first start that was cut off before the first page begins anew', () => {
  new Database(databaseFile(folder.path)).exec('BEGIN').close()
  expect(openStore(openOptions(folder.path))).toMatchObject({ seq: 0, salvaged: undefined })
})

test('a requested check of a sound store runs once and finds nothing', () => {
  session()
  requestCheck(folder.path)
  const opened = openStore(openOptions(folder.path))
  expect(opened).toMatchObject({ seq: 1, salvaged: undefined })
  expect(existsSync(join(folder.path, 'check-requested'))).toBe(false)
  expect(readdirSync(folder.path).filter((name) => name.startsWith('damaged'))).toEqual([])
})

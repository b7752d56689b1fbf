import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { requireTool } from '../servers/require-tool.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { expectStored } from '../store/log/stored-messages.ts'
import { StoreChild } from '../store/start-store-child.ts'
import { trace } from '../support/strace.ts'

const APPENDS = 100

let folder: TemporaryFolder

beforeEach(() => {
  folder = temporaryFolder('store-fsync')
})
afterEach(() => folder.remove())

/** What a trace of fsync and write tells, in order; calls that other threads interrupt count where they end. */
function events(file: string): ('synced' | 'sync failed' | 'acknowledged')[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      if (/write\(1(<[^>]*>)?, "ack /.test(line)) return ['acknowledged' as const]
      const sync = /(?:f(?:data)?sync\(.*|<\.\.\. f(?:data)?sync resumed>.*)\) += (-?\d+)/.exec(line)
      return sync === null ? [] : [sync[1] === '0' ? ('synced' as const) : ('sync failed' as const)]
    })
}

test(`row 5: each of ${APPENDS} serial appends is acknowledged after an fsync of its own`, async () => {
  const traced = join(folder.path, 'trace')
  const wrap = [requireTool('strace'), '-f', '-o', traced, '-e', 'trace=fsync,fdatasync,write', '-s', '16']
  const child = new StoreChild(
    join(folder.path, 'store'),
    join(folder.path, 'log'),
    { window: 1, count: APPENDS },
    wrap,
  )
  expect(await child.ended).toBe(0)
  let syncs = 0
  let sinceLast = 0
  let acknowledged = 0
  for (const event of events(traced)) {
    if (event === 'synced') sinceLast++
    if (event !== 'acknowledged') continue
    expect(sinceLast, `acknowledgement ${acknowledged + 1} without an fsync`).toBeGreaterThan(0)
    syncs += sinceLast
    sinceLast = 0
    acknowledged++
  }
  expect(acknowledged).toBe(APPENDS)
  expect(syncs).toBeGreaterThanOrEqual(APPENDS)
})

test('row 6: after an fsync that failed nothing is acknowledged, and the process ends', async () => {
  const directory = join(folder.path, 'store')
  const child = new StoreChild(directory, join(folder.path, 'log'), { window: 1, ratePerSecond: 100 })
  await child.untilAcknowledged(20)
  const file = join(folder.path, 'trace')
  await trace(child.process.pid ?? 0, file, [
    '-e',
    'trace=fsync,fdatasync,write',
    '-e',
    'inject=fsync,fdatasync:error=EIO',
    '-s',
    '16',
  ])
  const injectedAt = performance.now()
  expect(await child.ended).toBe(3)
  expect(performance.now() - injectedAt).toBeLessThan(50_000)
  // The trace ends with the process.
  await waitUntil(
    () => 'the end of the trace',
    () => readFileSync(file, 'utf8').includes('+++ exited with 3 +++'),
  )
  const seen = events(file)
  expect(seen).toContain('sync failed')
  expect(seen.slice(seen.indexOf('sync failed'))).not.toContain('acknowledged')
  expect(child.lines().at(-1)).toMatch(/^fatal store-failed SQLITE_IOERR_FSYNC/)
  expectStored(directory, child.acknowledged())
  const startedAt = performance.now()
  const next = new StoreChild(directory, join(folder.path, 'next.log'), { first: 1_000_000, count: 10 })
  await waitUntil(
    () => 'it is back',
    () => next.acknowledged().length === 10,
  )
  expect(performance.now() - startedAt).toBeLessThan(50_000)
  expect(await next.ended).toBe(0)
  expectStored(directory, [...child.acknowledged(), ...next.acknowledged()])
})

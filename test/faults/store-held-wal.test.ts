import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { databaseFile, openReadable } from '../../daemon/store/connection.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { expectStored } from '../store/log/stored-messages.ts'
import { StoreChild } from '../store/start-store-child.ts'
import { sized } from '../support/soak.ts'

const HELD_MS = sized(15_000, 60_000)
const MAX_WAL_BYTES = 64_000_000

let folder: TemporaryFolder

beforeEach(() => {
  folder = temporaryFolder('store-held-wal')
})
afterEach(() => folder.remove())

function walBytes(directory: string): number {
  return statSync(`${databaseFile(directory)}-wal`, { throwIfNoEntry: false })?.size ?? 0
}

async function holdReader(directory: string, ms: number): Promise<number> {
  const reader = openReadable(directory)
  let largest = 0
  try {
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM blocks').get()
    for (const end = performance.now() + ms; performance.now() < end;) {
      largest = Math.max(largest, walBytes(directory))
      await sleep(20)
    }
    reader.exec('COMMIT')
  } finally {
    reader.close()
  }
  return largest
}

test(`row 11: a reader that stays in a transaction for ${HELD_MS / 1000} s under load neither lets the WAL grow nor delays acknowledgements`, async () => {
  const directory = join(folder.path, 'store')
  const child = new StoreChild(directory, join(folder.path, 'log'), {
    window: 500,
    ratePerSecond: 2_000,
    payloadBytes: 150,
    latency: true,
  })
  await child.untilAcknowledged(1_000)
  const largest = await holdReader(directory, HELD_MS)
  const latencies = child
    .acknowledged()
    .map((one) => one.latencyMs)
    .sort((a, b) => a - b)
  const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? Infinity
  console.info(
    `WAL at most ${(largest / 1e6).toFixed(1)} MB; acknowledged after ${p99.toFixed(0)} ms at p99, of ${latencies.length}`,
  )
  expect(largest).toBeLessThanOrEqual(MAX_WAL_BYTES)
  expect(p99).toBeLessThan(2_500)
  expect(latencies.length).toBeGreaterThan(2_000 * (HELD_MS / 1000) * 0.7)
  await waitUntil(
    () => `the WAL is emptied, it has ${walBytes(directory)} bytes`,
    () => walBytes(directory) < 17 * 1024 ** 2,
    20_000,
  )
  await child.kill()
  expectStored(directory, child.acknowledged())
})

test('row 11: under more than the WAL can hold the store calls itself full rather than let it grow, and goes on after', async () => {
  const directory = join(folder.path, 'store')
  const child = new StoreChild(directory, join(folder.path, 'log'), {
    window: 4_000,
    payloadBytes: 4_000,
    maxBytes: 1024 ** 3,
  })
  await child.untilAcknowledged(1_000)
  const largest = await holdReader(directory, 5_000)
  expect(largest).toBeLessThanOrEqual(MAX_WAL_BYTES)
  expect(child.has('full')).toBe(true)
  await child.until('room', 20_000)
  await child.kill()
  expectStored(directory, child.acknowledged())
})

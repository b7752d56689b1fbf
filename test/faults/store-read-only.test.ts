import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { expectStored } from '../store/log/stored-messages.ts'
import { isRoot, mountExt4 } from '../store/mounts.ts'
import { StoreChild } from '../store/start-store-child.ts'
import { trace } from '../support/strace.ts'

let folder: TemporaryFolder

beforeEach(() => {
  folder = temporaryFolder('store-read-only')
})
afterEach(() => folder.remove())

test('row 9: while the file system takes no writes nothing is acknowledged, it is said, and it goes on by itself', async () => {
  const directory = join(folder.path, 'store')
  const child = new StoreChild(directory, join(folder.path, 'log'), { window: 50, ratePerSecond: 500 })
  await child.untilAcknowledged(200)
  const tracing = await trace(child.process.pid ?? 0, join(folder.path, 'trace'), [
    '-e',
    'trace=pwrite64,ftruncate',
    '-e',
    'inject=pwrite64,ftruncate:error=EROFS',
  ])
  await child.until('full', 50_000)
  const stuck = child.acknowledged().length
  await sleep(2_000)
  expect(child.acknowledged().length).toBe(stuck)
  await tracing.stop()
  const healedAt = performance.now()
  await waitUntil(
    () => 'it goes on',
    () => child.acknowledged().length > stuck + 100 && child.has('room'),
    50_000,
  )
  console.info(`went on ${Math.round(performance.now() - healedAt)} ms after writes were taken again`)
  await child.kill()
  expectStored(directory, child.acknowledged())
})

test.skipIf(!isRoot)(
  'row 9: a disk that turns read-only under the open store costs nothing that was acknowledged',
  async () => {
    const disk = mountExt4(join(folder.path, 'disk'), join(folder.path, 'image'), 96)
    try {
      const directory = join(disk.path, 'store')
      const child = new StoreChild(directory, join(folder.path, 'log'), { window: 50, ratePerSecond: 500 })
      await child.untilAcknowledged(200)
      // Not in the middle of an fsync: seen with Linux 6.18, ext4 answers success to the very call that meets its error.
      child.process.kill('SIGSTOP')
      await sleep(200)
      disk.failToReadOnly()
      child.process.kill('SIGCONT')
      await waitUntil(
        () => 'the alarm',
        () => child.has('full') || child.has('fatal'),
        50_000,
      )
      const stuck = child.acknowledged().length
      await sleep(1_000)
      expect(child.acknowledged().length).toBe(stuck)
      await child.kill()
      disk.repair()
      expectStored(directory, child.acknowledged())
      const next = new StoreChild(directory, join(folder.path, 'next.log'), { first: 1_000_000, count: 100 })
      expect(await next.ended).toBe(0)
      expectStored(directory, [...child.acknowledged(), ...next.acknowledged()])
    } finally {
      disk.unmount()
    }
  },
)

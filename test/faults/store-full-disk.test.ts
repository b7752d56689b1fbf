import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemCode } from '../../daemon/core/errors.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { expectStored } from '../store/log/stored-messages.ts'
import { isRoot, mountTmpfs } from '../store/mounts.ts'
import { StoreChild } from '../store/start-store-child.ts'

const MiB = 1024 ** 2
const DISK_MIB = 64

let folder: TemporaryFolder
let disk: ReturnType<typeof mountTmpfs>
const children: StoreChild[] = []

beforeEach(() => {
  folder = temporaryFolder('store-full')
  if (isRoot) disk = mountTmpfs(join(folder.path, 'disk'), DISK_MIB)
})
afterEach(async () => {
  for (const child of children.splice(0)) await child.kill()
  if (isRoot) disk.unmount()
  folder.remove()
})

/** Publishes until the disk is full. */
async function fill(settle = false): Promise<StoreChild> {
  const child = new StoreChild(join(disk.path, 'store'), join(folder.path, `${children.length}.log`), {
    window: 100,
    payloadBytes: 5_000,
    settle,
  })
  children.push(child)
  await child.until('full', 60_000)
  return child
}

function rss(child: StoreChild): number {
  const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.process.pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1024
}

/** Somebody else takes every page that is left. */
function fillRest(): void {
  const fd = openSync(join(disk.path, 'of somebody else'), 'w')
  const page = Buffer.alloc(4096, 1)
  try {
    for (;;) writeSync(fd, page)
  } catch (error) {
    if (systemCode(error) !== 'ENOSPC') throw error
  } finally {
    closeSync(fd)
  }
}

test.skipIf(!isRoot)(
  'row 7: on a full file system nothing is acknowledged that is not stored, memory stays, and it goes on when there is space',
  async () => {
    const child = await fill()
    const before = { rss: rss(child), acknowledged: child.acknowledged().length }
    await sleep(3_000)
    expect(rss(child) - before.rss).toBeLessThan(20 * MiB)
    expect(child.acknowledged().length - before.acknowledged).toBeLessThan(200)
    expectStored(join(disk.path, 'store'), child.acknowledged())
    const stuck = child.acknowledged().length
    disk.resize(DISK_MIB * 2)
    const freedAt = performance.now()
    await waitUntil(
      () => 'it goes on',
      () => child.acknowledged().length > stuck + 500 && child.has('room'),
      50_000,
    )
    expect(performance.now() - freedAt).toBeLessThan(50_000)
    console.info(`went on ${Math.round(performance.now() - freedAt)} ms after space was there`)
    await child.kill()
    expectStored(join(disk.path, 'store'), child.acknowledged())
  },
)

test.skipIf(!isRoot)(
  'row 7: on a file system that stays full the queue still drains, by the space that the ballast held',
  async () => {
    const child = await fill()
    fillRest()
    await sleep(1_000)
    const stuck = child.acknowledged().length
    child.process.kill('SIGUSR2')
    await waitUntil(
      () => `what is settled has made room: ${state(child)}`,
      () => child.acknowledged().length > stuck + 2_000,
      60_000,
    )
    await child.kill()
    const stored = new Set([...expectStoredTail(child)].map(([seq]) => seq))
    expect(stored.size).toBeGreaterThan(0)
  },
)

test.skipIf(!isRoot)('row 7: a daemon starts on a full file system, drains its queue and takes messages', async () => {
  const child = await fill()
  await child.kill()
  fillRest()
  const next = new StoreChild(join(disk.path, 'store'), join(folder.path, 'next.log'), {
    first: 1_000_000,
    window: 100,
    payloadBytes: 5_000,
  })
  children.push(next)
  await next.until('open', 10_000)
  expectStored(join(disk.path, 'store'), child.acknowledged())
  // Not before: what is settled may be deleted while it is being read.
  next.process.kill('SIGUSR2')
  await next.untilAcknowledged(2_000, 50_000)
  rmSync(join(disk.path, 'of somebody else'))
  disk.resize(DISK_MIB * 2)
  await waitUntil(
    () => 'the ballast is back',
    () => existsSync(join(disk.path, 'store', 'ballast')),
    50_000,
  )
})

function state(child: StoreChild): string {
  const files = readdirSync(join(disk.path, 'store')).map(
    (name) => `${name} ${statSync(join(disk.path, 'store', name)).size}`,
  )
  const { bavail, bsize } = statfsSync(disk.path)
  const said = child.lines().filter((line) => !line.startsWith('ack'))
  return [`${bavail * bsize} bytes free`, ...files, ...said.slice(-5)].join(', ')
}

/** Settled messages may have been deleted: those that are there must be right, and the newest must be there. */
function expectStoredTail(child: StoreChild): Map<number, number> {
  const acknowledged = child.acknowledged()
  return expectStored(join(disk.path, 'store'), acknowledged.slice(-100))
}

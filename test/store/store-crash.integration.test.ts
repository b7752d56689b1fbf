import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'
import { expectStored, storedMessages } from './log/stored-messages.ts'
import { StoreChild, type Acknowledged } from './start-store-child.ts'

const SOAK = Number(process.env['SOAK'] ?? 0)
const KILLS = SOAK > 0 ? 100 : 12

let folder: TemporaryFolder

beforeEach(() => {
  folder = temporaryFolder('store-crash')
})
afterEach(() => folder.remove())

test(
  'after kill -9 under load every acknowledged message is stored, numbers go on, and store ids are new',
  { timeout: 600_000 },
  async () => {
    const directory = join(folder.path, 'store')
    const acknowledged: Acknowledged[] = []
    const ids = new Set<string>()
    let highest = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const child = new StoreChild(directory, join(folder.path, `${kill}.log`), {
        window: 200,
        first: kill * 1_000_000 + 1,
      })
      await child.untilAcknowledged(500)
      await sleep(Math.random() * 60)
      await child.kill()
      const [, id = '', seq] =
        child
          .lines()
          .find((line) => line.startsWith('open'))
          ?.split(' ') ?? []
      expect(ids).not.toContain(id)
      ids.add(id)
      expect(Number(seq)).toBeGreaterThanOrEqual(highest)
      for (const one of child.acknowledged()) {
        acknowledged.push(one)
        highest = Math.max(highest, one.seq)
      }
      expectStored(directory, acknowledged)
    }
    const numbers = [...storedMessages(directory)].sort(([a], [b]) => a - b).map(([, number]) => number)
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  },
)

test('writer threads that end again and again lose and repeat nothing', async () => {
  const directory = join(folder.path, 'store')
  const child = new StoreChild(directory, join(folder.path, 'log'), {
    window: 100,
    count: 40_000,
    ratePerSecond: 8_000,
    killWriterEveryMs: 400,
  })
  await child.until('closed', 60_000)
  expect(await child.ended).toBe(0)
  expect(child.lines().filter((line) => line === 'restarted').length).toBeGreaterThan(5)
  expect(child.acknowledged()).toHaveLength(40_000)
  expect(child.has('refused')).toBe(false)
  const stored = expectStored(directory, child.acknowledged())
  expect([...stored].sort(([a], [b]) => a - b).map(([, number]) => number)).toEqual(
    Array.from({ length: 40_000 }, (_, index) => index + 1),
  )
})

test('after a clean end the store id stays', async () => {
  const directory = join(folder.path, 'store')
  const ids: (string | undefined)[] = []
  for (const first of [1, 1_001]) {
    const child = new StoreChild(directory, join(folder.path, `${first}.log`), { first, count: 1_000 })
    expect(await child.ended).toBe(0)
    ids.push(
      child
        .lines()
        .find((line) => line.startsWith('open'))
        ?.split(' ')[1],
    )
  }
  expect(ids[0]).toBe(ids[1])
  expect(storedMessages(directory).size).toBe(2_000)
})

test('a second daemon on the same store does not start', async () => {
  const directory = join(folder.path, 'store')
  const first = new StoreChild(directory, join(folder.path, 'first.log'), { count: 10, stayOpen: true })
  await first.untilAcknowledged(10)
  const second = new StoreChild(directory, join(folder.path, 'second.log'), { count: 10 })
  expect(await second.ended).not.toBe(0)
  expect(second.lines().join('\n')).toContain('store-locked')
  await first.kill()
})

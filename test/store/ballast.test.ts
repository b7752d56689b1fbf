import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Ballast } from '../../daemon/store/ballast.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'

let folder: TemporaryFolder
let file: string

beforeEach(() => {
  folder = temporaryFolder('ballast')
  file = join(folder.path, 'ballast')
})
afterEach(() => folder.remove())

test('the ballast holds real space, and gives it back', () => {
  const ballast = new Ballast(folder.path)
  expect(ballast.fill()).toBe(true)
  const { size, blocks } = statSync(file)
  expect(size).toBe(8 * 1024 ** 2)
  expect(blocks * 512).toBeGreaterThanOrEqual(size)
  ballast.release()
  ballast.release()
  expect(existsSync(file)).toBe(false)
  expect(ballast.fill()).toBe(true)
})

test('half a ballast, as a crash leaves it, is filled again', () => {
  writeFileSync(file, 'half')
  expect(new Ballast(folder.path).fill()).toBe(true)
  expect(statSync(file).size).toBe(8 * 1024 ** 2)
})

test('a ballast that cannot be written is done without', () => {
  const ballast = new Ballast(folder.path)
  folder.remove()
  expect(() => ballast.release()).not.toThrow()
})

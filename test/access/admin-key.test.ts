import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AdminKey } from '../../daemon/access/admin-key.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'

let folder: TemporaryFolder
let file: string
beforeEach(() => {
  folder = temporaryFolder('admin-key')
  file = join(folder.path, 'admin-key')
})
afterEach(() => folder.remove())

test('the first start makes a key that only its owner can read; later starts read it back and do not show it', () => {
  const first = AdminKey.open(folder.path)
  const key = first.fresh ?? ''
  expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/)
  expect(readFileSync(file, 'utf8')).toBe(`${key}\n`)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const second = AdminKey.open(folder.path)
  expect(second.fresh).toBeUndefined()
  for (const one of [first, second]) {
    expect(one.accepts(key)).toBe(true)
    for (const wrong of ['', `${key}x`, key.slice(1), key.toUpperCase()]) expect(one.accepts(wrong)).toBe(false)
  }
})

test('every store has a key of its own, and a removed one is made anew', () => {
  const before = AdminKey.open(folder.path).fresh ?? ''
  rmSync(file)
  const after = AdminKey.open(folder.path)
  expect(after.fresh).not.toBe(before)
  expect(after.accepts(before)).toBe(false)
})

test('a key that was put there is taken, and no longer readable by others', () => {
  const own = 'a-key-of-my-own-that-is-long-enough-1'
  writeFileSync(file, `${own}\n`)
  chmodSync(file, 0o644)
  expect(AdminKey.open(folder.path).accepts(own)).toBe(true)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('a draft that a crash has left is no key', () => {
  writeFileSync(`${file}.new`, 'half')
  expect(AdminKey.open(folder.path).accepts('half')).toBe(false)
})

test.each(['', 'short', 'a key with blanks that is long enough all the same'])('%j is refused as a key', (text) => {
  writeFileSync(file, text)
  expect(() => AdminKey.open(folder.path)).toThrow(expect.objectContaining({ code: 'store-unusable' }))
})

test('a folder in the place of the file is refused', () => {
  mkdirSync(file)
  expect(() => AdminKey.open(folder.path)).toThrow(expect.objectContaining({ code: 'store-unusable' }))
})

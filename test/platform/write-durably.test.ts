import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { syncFolder, syncFolderAsync, writeDurably } from '../../daemon/platform/write-durably.ts'
import { temporaryFolder, type TemporaryFolder } from '../servers/temporary-folder.ts'

let folder: TemporaryFolder
beforeEach(() => {
  folder = temporaryFolder('durably')
})
afterEach(() => folder.remove())

test('a file is replaced whole, with its mode, and no draft is left', () => {
  const file = join(folder.path, 'secret')
  writeFileSync(file, 'what was before, which is longer')
  writeFileSync(`${file}.new`, 'what a crash has left')
  writeDurably(file, 'new', 0o600)
  expect(readFileSync(file, 'utf8')).toBe('new')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder.path)).toEqual(['secret'])
})

test('where it cannot be written nothing has changed', () => {
  expect(() => writeDurably(join(folder.path, 'missing', 'file'), 'x', 0o600)).toThrow()
  expect(readdirSync(folder.path)).toEqual([])
})

test('a folder that is missing cannot be made durable', async () => {
  syncFolder(folder.path)
  await syncFolderAsync(folder.path)
  expect(() => syncFolder(join(folder.path, 'missing'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  await expect(syncFolderAsync(join(folder.path, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' })
})

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PAGE_BYTES } from '../../../daemon/store/connection.ts'
import { Pages } from '../../../daemon/store/salvage/pages.ts'
import { rowsOfPages } from '../../../daemon/store/salvage/rows-of-pages.ts'
import { temporaryFolder, type TemporaryFolder } from '../../servers/temporary-folder.ts'

const COLUMNS = ['id', 'number', 'real', 'text', 'body']
/** Every integer that SQLite stores in another width, and every length at which a record gets overflow pages, or one more. */
const NUMBERS = [
  0,
  1,
  -1,
  127,
  -128,
  32_767,
  -32_768,
  8_388_607,
  -8_388_608,
  2 ** 31 - 1,
  2 ** 47 - 1,
  2 ** 53 - 1,
  null,
]
const LENGTHS = [0, 1, 59, 60, 400, 3_900, 4_000, 4_030, 4_040, 4_050, 4_061, 4_062, 8_000, 8_200, 50_000]

let folder: TemporaryFolder
let file: string
let expected: unknown[]

beforeAll(() => {
  folder = temporaryFolder('rows-of-pages')
  file = join(folder.path, 'whole.db')
  const db = new Database(file)
  db.pragma(`page_size = ${PAGE_BYTES}`)
  db.exec('CREATE TABLE things (id INTEGER PRIMARY KEY, number INTEGER, real REAL, text TEXT, body BLOB)')
  const insert = db.prepare('INSERT INTO things VALUES (?, ?, ?, ?, ?)')
  let id = 0
  for (const length of LENGTHS)
    for (const number of NUMBERS)
      insert.run((id += 1 + (id % 7) * 1_000), number, id / 3, 'ü'.repeat(length % 50), Buffer.alloc(length, id))
  expected = db.prepare('SELECT * FROM things ORDER BY id').all()
  db.close()
})
afterAll(() => folder.remove())

function read(name: string): Record<string, unknown>[] {
  const pages = new Pages(name)
  try {
    return [...rowsOfPages(pages, COLUMNS)]
  } finally {
    pages.close()
  }
}

test('every row is read from the pages as SQLite reads it', () => {
  // The schema is a table of five columns as well.
  const rows = read(file).filter(({ body }) => Buffer.isBuffer(body))
  rows.sort((a, b) => Number(a['id']) - Number(b['id']))
  expect(rows).toEqual(expected)
})

test('any bytes in the pages are read to the end without an error', () => {
  const whole = readFileSync(file)
  const damaged = join(folder.path, 'damaged.db')
  const edit = fc.record({ at: fc.nat(whole.length - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }) })
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 60 }), (edits) => {
      const copy = Buffer.from(whole)
      for (const { at, bytes } of edits) copy.set(bytes.subarray(0, copy.length - at), at)
      // Half of the edits are made where a page begins, which says where all else is.
      for (const { at, bytes } of edits) copy.set(bytes.subarray(1, 12), Math.floor(at / PAGE_BYTES) * PAGE_BYTES + 1)
      writeFileSync(damaged, copy)
      expect(read(damaged).length).toBeLessThan(100_000)
    }),
    { numRuns: 200 },
  )
})

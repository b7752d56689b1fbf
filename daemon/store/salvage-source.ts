import { closeSync, copyFileSync, existsSync, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { databaseFile, PAGE_BYTES } from './connection.ts'
import { isSqliteError } from './sqlite-codes.ts'

/** Where the header of a database file keeps its change counter, the number of pages, and the counter that this number is good for. */
const HEADER_COUNTER = 24
const HEADER_PAGES = 28
const HEADER_VALID_FOR = 92
const DATABASE_HEADER = 100
const TABLE_INTERIOR = 0x05
const INTERIOR_HEADER = 12

/**
 * A damaged database, opened for reading as far as that goes: as it is; else a copy of it in `work` whose header counts the pages
 * that are there; else one with the first page of `fresh`, or with all pages of its schema. The first page holds the header and leads
 * to the schema, which is always the same.
 */
export function openDamaged(directory: string, work: string, fresh: Database.Database): Database.Database | undefined {
  const original = databaseFile(directory)
  const asItIs = existsSync(original) ? tryOpen(original) : undefined
  if (asItIs !== undefined || !existsSync(original)) return asItIs
  fresh.pragma('wal_checkpoint(TRUNCATE)')
  const file = join(work, 'damaged.db')
  for (const wal of [true, false]) {
    const repairs = [
      countPages,
      (name: string) => restoreFirstPage(name, fresh.name),
      (name: string) => restoreSchema(name, fresh.name),
    ]
    for (const repair of repairs) {
      for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
      copyFileSync(original, file)
      if (wal && existsSync(`${original}-wal`)) copyFileSync(`${original}-wal`, `${file}-wal`)
      repair(file)
      const repaired = tryOpen(file)
      if (repaired !== undefined) return repaired
    }
  }
  return undefined
}

function tryOpen(file: string): Database.Database | undefined {
  let db: Database.Database | undefined
  try {
    db = new Database(file, { readonly: true, timeout: 1_000 })
    if (db.prepare("SELECT name FROM sqlite_schema WHERE name = 'blocks'").get() !== undefined) return db
  } catch (error) {
    if (!isSqliteError(error)) throw error
  }
  db?.close()
  return undefined
}

/** A file that was cut off has fewer pages than its header says, and SQLite would not open it. */
function countPages(file: string): void {
  patchFirstPage(file, (page) => page)
}

function restoreFirstPage(file: string, fresh: string): void {
  patchFirstPage(file, (page) => {
    const from = openSync(fresh, 'r')
    try {
      readSync(from, page, 0, PAGE_BYTES, 0)
    } finally {
      closeSync(from)
    }
    return page
  })
}

function restoreSchema(file: string, fresh: string): void {
  restoreFirstPage(file, fresh)
  const from = openSync(fresh, 'r')
  const to = openSync(file, 'r+')
  try {
    const page = Buffer.alloc(PAGE_BYTES)
    readSync(from, page, 0, PAGE_BYTES, 0)
    for (const number of childrenOf(page, DATABASE_HEADER)) {
      readSync(from, page, 0, PAGE_BYTES, (number - 1) * PAGE_BYTES)
      writeSync(to, page, 0, PAGE_BYTES, (number - 1) * PAGE_BYTES)
    }
  } finally {
    closeSync(from)
    closeSync(to)
  }
}

/** The pages that an inner page of a table leads to; none where it is a leaf. https://sqlite.org/fileformat2.html#b_tree_pages */
function childrenOf(page: Buffer, header: number): number[] {
  if (page[header] !== TABLE_INTERIOR) return []
  const cells = Array.from({ length: page.readUInt16BE(header + 3) }, (_, cell) => header + INTERIOR_HEADER + cell * 2)
  return [...cells.map((pointer) => page.readUInt32BE(page.readUInt16BE(pointer))), page.readUInt32BE(header + 8)]
}

function patchFirstPage(file: string, change: (page: Buffer) => Buffer): void {
  const fd = openSync(file, 'r+')
  try {
    const pages = Math.floor(fstatSync(fd).size / PAGE_BYTES)
    if (pages < 1) return
    const page = Buffer.alloc(PAGE_BYTES)
    readSync(fd, page, 0, PAGE_BYTES, 0)
    change(page)
    page.writeUInt32BE(pages, HEADER_PAGES)
    page.copy(page, HEADER_VALID_FOR, HEADER_COUNTER, HEADER_COUNTER + 4)
    writeSync(fd, page, 0, PAGE_BYTES, 0)
  } finally {
    closeSync(fd)
  }
}

import { closeSync, copyFileSync, existsSync, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { databaseFile, PAGE_BYTES } from '../connection.ts'
import { isSqliteError } from '../sqlite.ts'
import { DATABASE_HEADER, Pages } from './pages.ts'

/** Offsets in the header of a database file: its change counter, the number of pages, and the counter for which that number is valid. */
const HEADER_COUNTER = 24
const HEADER_PAGES = 28
const HEADER_VALID_FOR = 92
const TABLE_INTERIOR = 0x05
const INTERIOR_HEADER = 12

/**
 * Opens a damaged database for reading: as it is; else a copy of it in `work` whose header counts the pages that are there; else one
 * with the first page of `fresh`, or with all pages of its schema. The first page holds the header and leads to the schema, which is
 * the same in every store.
 */
export function openDamaged(directory: string, work: string, fresh: Database.Database): Database.Database | undefined {
  const original = databaseFile(directory)
  const asItIs = existsSync(original) ? tryOpen(original) : undefined
  if (asItIs !== undefined || !existsSync(original)) return asItIs
  fresh.pragma('wal_checkpoint(TRUNCATE)')
  const file = join(work, 'damaged.db')
  const pages = new Pages(fresh.name)
  try {
    for (const wal of [true, false]) {
      for (const taken of [[], [1], [1, ...schemaPages(pages.read(1))]]) {
        for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
        copyFileSync(original, file)
        if (wal && existsSync(`${original}-wal`)) copyFileSync(`${original}-wal`, `${file}-wal`)
        repair(file, pages, taken)
        const repaired = tryOpen(file)
        if (repaired !== undefined) return repaired
      }
    }
    return undefined
  } finally {
    pages.close()
  }
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

/**
 * Puts pages of a new database into a copy, and has its header count the pages that are there: a file that was cut off has fewer than
 * its header says, and SQLite would not open it.
 */
function repair(file: string, fresh: Pages, taken: readonly number[]): void {
  const fd = openSync(file, 'r+')
  try {
    const count = Math.floor(fstatSync(fd).size / PAGE_BYTES)
    if (count < 1) return
    for (const number of taken) writeSync(fd, fresh.read(number), 0, PAGE_BYTES, (number - 1) * PAGE_BYTES)
    const header = Buffer.alloc(DATABASE_HEADER)
    readSync(fd, header, 0, DATABASE_HEADER, 0)
    header.writeUInt32BE(count, HEADER_PAGES)
    header.copy(header, HEADER_VALID_FOR, HEADER_COUNTER, HEADER_COUNTER + 4)
    writeSync(fd, header, 0, DATABASE_HEADER, 0)
  } finally {
    closeSync(fd)
  }
}

/** Lists the pages of the schema behind the first; none where the first holds all of it. https://sqlite.org/fileformat2.html#b_tree_pages */
function schemaPages(first: Buffer): number[] {
  const header = DATABASE_HEADER
  if (first[header] !== TABLE_INTERIOR) return []
  const cells = Array.from({ length: first.readUInt16BE(header + 3) }, (_, cell) => header + INTERIOR_HEADER + cell * 2)
  return [...cells.map((pointer) => first.readUInt32BE(first.readUInt16BE(pointer))), first.readUInt32BE(header + 8)]
}

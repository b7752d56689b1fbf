import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openWritable } from '../../../daemon/store/connection.ts'
import { copyReadable } from '../../../daemon/store/salvage/copy-readable.ts'
import { migrate, MIGRATIONS, SCHEMA_VERSION } from '../../../daemon/store/tables/schema.ts'
import { TABLES } from '../../../daemon/store/tables/tables.ts'
import { temporaryFolder, type TemporaryFolder } from '../../servers/temporary-folder.ts'
import { MiB } from '../store-fixture.ts'

const RULES = TABLES.flatMap((table) => Object.entries(table.salvage))
const NAMES = RULES.map(([name]) => name).sort()
/** Of text, name and root page of everything in the schema of version 6. */
const SCHEMA_DIGEST = '75876c247db84a6b53c04e992ebda17c29604dd8c4fb7b585d55a34ede510c11'

let folder: TemporaryFolder
const open: Database.Database[] = []

beforeEach(() => {
  folder = temporaryFolder('tables')
})
afterEach(() => {
  for (const db of open.splice(0)) db.close()
  folder.remove()
})

/** A database of an older version that was brought to this one; of version 0 it is a new one. */
function databaseFrom(version: number): Database.Database {
  const directory = join(folder.path, `${open.length}`)
  mkdirSync(directory)
  const db = openWritable(directory, { durability: 'process', maxBytes: 64 * MiB })
  open.push(db)
  migrate(db, MIGRATIONS.slice(0, version))
  migrate(db)
  return db
}

function tablesOf(db: Database.Database): string[] {
  return db
    .prepare<[], string>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .pluck()
    .all()
}

function digestOf(db: Database.Database): string {
  const schema = db.prepare('SELECT type, name, rootpage, sql FROM sqlite_master ORDER BY name').all()
  return createHash('sha256').update(JSON.stringify(schema)).digest('hex')
}

test.each(Array.from({ length: SCHEMA_VERSION }, (_, version) => version))(
  'a store that began with version %i has every table of the list, and no other',
  (version) => {
    expect(tablesOf(databaseFrom(version))).toEqual(NAMES)
  },
)

test('every table is listed once', () => {
  expect(NAMES).toEqual([...new Set(NAMES)])
})

test('the schema has the same text and the same root pages in every store, so that salvage can lend it to a damaged one', () => {
  for (let version = 0; version < SCHEMA_VERSION; version++)
    expect(digestOf(databaseFrom(version)), `from version ${version}`).toBe(SCHEMA_DIGEST)
})

test.each(RULES.filter(([, { rows }]) => rows === 'by-number' || rows === 'from-both-ends').map(([name]) => name))(
  'salvage brings back the rows of %s',
  (table) => {
    const [source, target] = [databaseFrom(0), databaseFrom(0)]
    const row = insertAnyRow(source, table)
    expect(copyReadable(source, target)).toEqual({ messages: 0, lostRows: 0 })
    expect(target.prepare(`SELECT * FROM ${table}`).all()).toEqual([row])
  },
)

/** Inserts a row of this table that makes sense, and returns it. */
function insertAnyRow(db: Database.Database, table: string): unknown {
  const columns = db
    .prepare<[string], { name: string; type: string }>('SELECT name, type FROM pragma_table_info(?)')
    .all(table)
  const values = columns.map(({ name, type }) => {
    if (name === 'kind') return 'plan'
    if (type === 'TEXT') return '[]'
    // Salvage counts settled messages anew.
    if (type === 'INTEGER') return name.startsWith('settled') ? 0 : 1
    return type === 'BLOB' ? Buffer.from('x') : 1.5
  })
  db.prepare(`INSERT INTO ${table} VALUES (${values.map(() => '?').join(', ')})`).run(...values)
  return db.prepare(`SELECT * FROM ${table}`).get()
}

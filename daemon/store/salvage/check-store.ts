import { existsSync, statSync } from 'node:fs'
import Database from 'better-sqlite3'
import { messageOf, systemCode } from '../../core/errors.ts'
import { databaseFile } from '../connection.ts'
import { decodeBlock } from '../log/record.ts'
import { isCorrupt } from '../sqlite.ts'
import { readCursors } from '../tables/cursors.ts'
import { APPLICATION_ID, SCHEMA_VERSION, schemaVersion } from '../tables/schema.ts'
import { readState } from '../tables/state.ts'
import { readStreams } from '../tables/streams.ts'

/** Records that a check of the newest blocks looks at. */
const NEWEST_RECORDS = 1_000
/** Tables that every start reads whole: an unnoticed error there would stop every start. */
const READ_AT_START = ['epochs', 'boots', 'plans', 'copies', 'incoming', 'retained', 'sqlite_sequence']

/**
 * Looks for damage: header, schema and the newest 1,000 records, and the whole database where `thorough` or where the WAL that
 * an unclean end leaves is missing. Returns a sentence, or undefined if the store looks sound or does not exist yet. Does not
 * change anything.
 */
export function findDamage(directory: string, thorough: boolean): string | undefined {
  const file = databaseFile(directory)
  if (!existsSync(file)) return existsSync(`${file}-wal`) ? 'the database is missing, its WAL is there' : undefined
  // A start that was cut off before the first page leaves an empty file.
  if (statSync(file).size === 0) return undefined
  const hasWal = existsSync(`${file}-wal`)
  let db: Database.Database | undefined
  try {
    // Read-only, so that the files stay as they are.
    db = new Database(file, { readonly: true, timeout: 1_000 })
    return inspect(db, thorough, hasWal)
  } catch (error) {
    const code = systemCode(error) ?? ''
    if (isCorrupt(error) || code === 'SQLITE_ERROR' || code.startsWith('SQLITE_IOERR_SHORT'))
      return `${code}: ${messageOf(error)}`
    if (error instanceof SyntaxError) return `a row holds no JSON: ${error.message}`
    throw error
  } finally {
    db?.close()
  }
}

function inspect(db: Database.Database, thorough: boolean, hasWal: boolean): string | undefined {
  const version = schemaVersion(db)
  const application = Number(db.pragma('application_id', { simple: true }))
  const tables = db.prepare('SELECT name FROM sqlite_schema').all().length
  if (tables === 0 && version === 0) return undefined
  if (application !== APPLICATION_ID && application !== 0) return 'the header belongs to another program'
  if (version > SCHEMA_VERSION) return undefined
  if (version === 0) return thorough ? quickCheck(db) : undefined
  const state = readState(db)
  if (state === undefined) return 'the state row is missing'
  readCursors(db)
  readStreams(db)
  for (const table of READ_AT_START) readAll(db, table)
  const damaged = newestDamage(db)
  if (damaged > 0) return `${damaged} bytes among the newest records fail their checksum`
  // After an unclean end there is a WAL. Where it was taken away, half of a checkpoint may have gone with it.
  return thorough || (state.clean === 0 && !hasWal) ? quickCheck(db) : undefined
}

function readAll(db: Database.Database, table: string): void {
  const rows = db.prepare(`SELECT * FROM ${table}`).raw().iterate()
  while (rows.next().done !== true);
}

function quickCheck(db: Database.Database): string | undefined {
  const [first] = db.pragma('quick_check(1)') as { quick_check: string }[]
  return first === undefined || first.quick_check === 'ok' ? undefined : first.quick_check
}

function newestDamage(db: Database.Database): number {
  let records = 0
  let damaged = 0
  for (const { body } of db.prepare<[], { body: Buffer }>('SELECT body FROM blocks ORDER BY id DESC').iterate()) {
    const block = decodeBlock(body)
    damaged += block.damagedBytes
    records += block.records.length
    if (records >= NEWEST_RECORDS) break
  }
  return damaged
}

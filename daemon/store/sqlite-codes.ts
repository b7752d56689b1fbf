import { systemCode } from '../core/errors.ts'

const DISK_FULL: ReadonlySet<string> = new Set(['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE'])
const UNWRITABLE: ReadonlySet<string> = new Set([
  'SQLITE_IOERR_WRITE',
  'SQLITE_READONLY',
  'SQLITE_READONLY_DBMOVED',
  'SQLITE_BUSY',
])

/** There is no space; what frees some can be done about it. */
export function isDiskFull(error: unknown): boolean {
  return DISK_FULL.has(systemCode(error) ?? '')
}

/** What a full or unwritable file system answers; waiting can heal these. */
export function isNoRoom(error: unknown): boolean {
  return isDiskFull(error) || UNWRITABLE.has(systemCode(error) ?? '')
}

/** The bytes of the database are not what SQLite has written. */
export function isCorrupt(error: unknown): boolean {
  const code = systemCode(error) ?? ''
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB'
}

/** An error of SQLite's, and not of the program. */
export function isSqliteError(error: unknown): boolean {
  return systemCode(error)?.startsWith('SQLITE_') === true
}

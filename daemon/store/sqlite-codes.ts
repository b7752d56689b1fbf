import { systemCode } from '../core/errors.ts'

/** What a full or unwritable file system answers; waiting can heal these. */
const NO_ROOM: ReadonlySet<string> = new Set([
  'SQLITE_FULL',
  'SQLITE_IOERR_WRITE',
  'SQLITE_IOERR_SHMSIZE',
  'SQLITE_READONLY',
  'SQLITE_READONLY_DBMOVED',
  'SQLITE_BUSY',
])

export function isNoRoom(error: unknown): boolean {
  return NO_ROOM.has(systemCode(error) ?? '')
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

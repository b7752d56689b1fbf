import { systemCode } from '../core/errors.ts'

/**
 * `LIMIT` with a bound value. SQLite plans for the value of a bare parameter and compiles the statement anew for each value, at five
 * times the cost of running it (bench `one-in-flight`). The operator hides the value from the planner.
 */
export const LIMIT = 'LIMIT +?'

const DISK_FULL: ReadonlySet<string> = new Set(['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE'])
const UNWRITABLE: ReadonlySet<string> = new Set([
  'SQLITE_IOERR_WRITE',
  'SQLITE_READONLY',
  'SQLITE_READONLY_DBMOVED',
  'SQLITE_BUSY',
])

/** The file system has no space left; deleting something can help. */
export function isDiskFull(error: unknown): boolean {
  return DISK_FULL.has(systemCode(error) ?? '')
}

/** The file system is full or cannot be written now; waiting can heal it. */
export function isNoRoom(error: unknown): boolean {
  return isDiskFull(error) || UNWRITABLE.has(systemCode(error) ?? '')
}

/** The database holds other bytes than SQLite has written. */
export function isCorrupt(error: unknown): boolean {
  const code = systemCode(error) ?? ''
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB'
}

/** The error comes from SQLite, not from the program. */
export function isSqliteError(error: unknown): boolean {
  return systemCode(error)?.startsWith('SQLITE_') === true
}

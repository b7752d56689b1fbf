import { statSync } from 'node:fs'
import { databaseFile } from '../store/connection.ts'

/** Bytes of the database and its WAL. */
export function storeBytes(directory: string): number {
  const file = databaseFile(directory)
  return ['', '-wal'].reduce((sum, suffix) => sum + (statSync(file + suffix, { throwIfNoEntry: false })?.size ?? 0), 0)
}

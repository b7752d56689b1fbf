import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { EdgeError, systemCode } from '../core/errors.ts'

/** Keeps a second daemon out of a store. Node has no flock; an exclusive transaction on a small database serves as one. */
export class StoreLock {
  private readonly db: Database.Database

  /** Creates a missing folder. Throws `store-locked` if another process holds the store, `store-unusable` if its folder cannot be written. */
  constructor(directory: string) {
    let db: Database.Database | undefined
    try {
      mkdirSync(directory, { recursive: true, mode: 0o750 })
      db = new Database(join(directory, 'lock.db'), { timeout: 0 })
      db.pragma('journal_mode = MEMORY')
      db.exec('BEGIN EXCLUSIVE')
      this.db = db
    } catch (error) {
      db?.close()
      const busy = systemCode(error)?.startsWith('SQLITE_BUSY') === true
      throw new EdgeError(
        busy ? 'store-locked' : 'store-unusable',
        busy ? `${directory} is in use by another daemon` : `${directory} cannot be used as a store`,
        { cause: error },
      )
    }
  }

  release(): void {
    this.db.close()
  }
}

import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { isNoRoom } from './sqlite.ts'

const MiB = 1024 ** 2
/** From here on a reader is holding the WAL: commits are spaced out so that it grows slowly. */
const SLOW_BYTES = 16 * MiB
const FULL_BYTES = 60 * MiB
/** How often it is looked at. */
const COMMITS = 32
const WRITTEN_BYTES = 4 * MiB

/** Bounds the WAL: a reader that stays in a transaction keeps it from being emptied. */
export class WalGuard {
  /** Whether commits should be spaced out. */
  slow = false
  private readonly db: Database.Database
  private readonly file: string
  private commits = 0
  private written = 0
  /** When it was last asked for; since then it may have grown by what was written. */
  private lastSize = Infinity

  constructor(db: Database.Database) {
    this.db = db
    this.file = `${db.name}-wal`
  }

  /** Whether a transaction of about so many bytes may go into it. */
  takes(bytes: number): boolean {
    if (this.lastSize + (this.written + bytes) * 1.125 <= FULL_BYTES) return true
    this.check()
    return this.size() + bytes + bytes / 8 <= FULL_BYTES
  }

  /** Returns true when it was time to have a look. */
  wrote(bytes: number): boolean {
    this.written += bytes
    if (++this.commits < COMMITS && this.written < WRITTEN_BYTES) return false
    this.check()
    return true
  }

  /** Empties it if it has become large and nobody reads. */
  check(): void {
    this.commits = 0
    this.written = 0
    if (this.size() > SLOW_BYTES) this.empty('TRUNCATE')
    this.slow = this.size() > SLOW_BYTES
  }

  /** Brings what it holds into the database; what comes next is written over it, which takes no space. False: the disk has none for it. */
  restart(): boolean {
    return this.empty('RESTART')
  }

  private empty(how: 'RESTART' | 'TRUNCATE'): boolean {
    try {
      this.db.pragma(`wal_checkpoint(${how})`)
      return true
    } catch (error) {
      // The pages stay in the WAL, where they are as safe.
      if (!isNoRoom(error)) throw error
      return false
    }
  }

  private size(): number {
    return (this.lastSize = statSync(this.file, { throwIfNoEntry: false })?.size ?? 0)
  }
}

import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { isNoRoom } from './sqlite.ts'

const MiB = 1024 ** 2
/** A WAL of this size is held by a reader: commits are spaced out so that it grows slowly. */
const HELD_BYTES = 16 * MiB
const FULL_BYTES = 60 * MiB
/** The size is read after this many commits or bytes. */
const CHECK_COMMITS = 32
const CHECK_BYTES = 4 * MiB

/** Bounds the WAL: a reader that stays in a transaction keeps it from being emptied. */
export class WalGuard {
  /** Commits should be spaced out. */
  isHeld = false
  private readonly db: Database.Database
  private readonly file: string
  private commits = 0
  private written = 0
  /** As last read; since then the WAL may have grown by the bytes in `written`. */
  private lastSize = Infinity

  constructor(db: Database.Database) {
    this.db = db
    this.file = `${db.name}-wal`
  }

  /** Returns true if the WAL may grow by a transaction of about `bytes`. */
  hasRoomFor(bytes: number): boolean {
    if (this.lastSize + (this.written + bytes) * 1.125 <= FULL_BYTES) return true
    this.check()
    return this.size() + bytes + bytes / 8 <= FULL_BYTES
  }

  /** Counts a transaction; returns true when it was time to check. */
  wrote(bytes: number): boolean {
    this.written += bytes
    if (++this.commits < CHECK_COMMITS && this.written < CHECK_BYTES) return false
    this.check()
    return true
  }

  /** Empties a large WAL, unless a reader holds it. */
  check(): void {
    this.commits = 0
    this.written = 0
    if (this.size() > HELD_BYTES) this.empty('TRUNCATE')
    this.isHeld = this.size() > HELD_BYTES
  }

  /** Brings the WAL into the database; the next transactions overwrite it, which takes no space. Returns false where the disk has no space for that. */
  restart(): boolean {
    return this.empty('RESTART')
  }

  private empty(how: 'RESTART' | 'TRUNCATE'): boolean {
    try {
      this.db.pragma(`wal_checkpoint(${how})`)
      return true
    } catch (error) {
      // The pages stay in the WAL, where they are just as safe.
      if (!isNoRoom(error)) throw error
      return false
    }
  }

  private size(): number {
    return (this.lastSize = statSync(this.file, { throwIfNoEntry: false })?.size ?? 0)
  }
}

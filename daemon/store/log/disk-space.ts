import type Database from 'better-sqlite3'
import { Ballast } from '../ballast.ts'
import { WalGuard } from '../wal-guard.ts'
import { full, type FullResult } from './commit-result.ts'
import type { Retention } from './retention.ts'

/** Decides whether a transaction may take space of the file system: in the database file, and in a WAL that a reader may hold. */
export class DiskSpace {
  private readonly ballast: Ballast
  private readonly wal: WalGuard
  private readonly retention: Retention
  private hasNoSpace: boolean

  constructor(db: Database.Database, directory: string, retention: Retention) {
    this.ballast = new Ballast(directory)
    this.wal = new WalGuard(db)
    this.retention = retention
    this.hasNoSpace = !this.ballast.hasSpace()
  }

  /** The file system has no space for messages. */
  get isFull(): boolean {
    return this.hasNoSpace
  }

  /** A reader holds the WAL: commits should be spaced out, so that it grows slowly. */
  get isWalHeld(): boolean {
    return this.wal.isHeld
  }

  /** Prepares for a transaction of about `bytes`. Returns the refusal if it may not be written now. */
  refusalOf(bytes: number, hasBatch: boolean): FullResult | undefined {
    if (!this.wal.hasRoomFor(bytes))
      return full('wal', false, 'another process reads the database and keeps its WAL from being emptied')
    if (hasBatch && !this.mayGrow(bytes)) return full('disk', false, 'the file system has no space left')
    // From its beginning the WAL takes a batch without growing.
    if (this.hasNoSpace) this.wal.restart()
    return undefined
  }

  /** Returns true if messages may take `bytes`. On a full disk they use only pages that deleted blocks have left: freeing space needs the rest. */
  mayGrow(bytes: number): boolean {
    if (this.hasNoSpace && this.ballast.hasSpace()) this.hasNoSpace = false
    return !this.hasNoSpace || this.retention.fitsInside(bytes)
  }

  /** A transaction of about `bytes` was written. */
  wrote(bytes: number): void {
    if (this.wal.wrote(bytes) && !this.ballast.hasSpace()) this.hasNoSpace = true
  }

  /** A write has found the disk full. */
  markFull(): void {
    this.hasNoSpace = true
  }

  /** Makes the space in reserve available. */
  releaseBallast(): void {
    this.ballast.release()
    this.wal.restart()
  }

  fillBallast(): void {
    this.ballast.fill()
  }

  checkWal(): void {
    this.wal.check()
  }

  /** Brings the WAL into the database, so that the next transaction overwrites it; returns false where the disk has no space for that. */
  restartWal(): boolean {
    return this.wal.restart()
  }
}

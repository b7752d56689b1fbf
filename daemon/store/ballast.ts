import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { systemCode } from '../core/errors.ts'

const MiB = 1024 ** 2
/** As much as the WAL may hold when the file system becomes full, so that all of it can be brought into the database. */
const BALLAST_BYTES = 8 * MiB
/** Space that messages leave free, for other programs and for the transactions that free space. */
const RESERVE_BYTES = 8 * MiB

/**
 * A file that holds space in reserve: on a full file system even a DELETE needs room in the WAL, and without it nothing could ever
 * be freed.
 */
export class Ballast {
  private readonly directory: string
  private readonly file: string
  private held: boolean

  constructor(directory: string) {
    this.directory = directory
    this.file = join(directory, 'ballast')
    this.held = statSync(this.file, { throwIfNoEntry: false })?.size === BALLAST_BYTES
  }

  /** Returns true if messages may take space: the ballast is held, or could be, and the reserve is there. */
  hasSpace(): boolean {
    const { bavail, bsize } = statfsSync(this.directory)
    return bavail * bsize >= RESERVE_BYTES + (this.held ? 0 : BALLAST_BYTES)
  }

  /** Takes the space, if it is there; returns true if it is held. */
  fill(): boolean {
    if (this.held || !this.hasSpace()) return this.held
    let fd: number | undefined
    try {
      fd = openSync(this.file, 'w', 0o640)
      // Real bytes: a sparse file would hold no space.
      const chunk = Buffer.alloc(64 * 1024, 1)
      for (let written = 0; written < BALLAST_BYTES;)
        written += writeSync(fd, chunk, 0, Math.min(chunk.length, BALLAST_BYTES - written))
      fsyncSync(fd)
      this.held = true
    } catch (error) {
      if (systemCode(error) === undefined) throw error
      this.release()
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
    return this.held
  }

  release(): void {
    this.held = false
    try {
      rmSync(this.file, { force: true })
    } catch (error) {
      // A read-only file system gives nothing back.
      if (systemCode(error) === undefined) throw error
    }
  }
}

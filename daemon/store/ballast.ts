import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { systemCode } from '../core/errors.ts'

const BALLAST_BYTES = 4 * 1024 ** 2

/**
 * A file that takes space so that it can be given back: on a full file system even a DELETE needs room in the WAL, and
 * without it nothing could ever be freed.
 */
export class Ballast {
  private readonly file: string
  private full = false

  constructor(directory: string) {
    this.file = join(directory, 'ballast')
  }

  /** Takes the space, if it is there; returns whether it is held. */
  fill(): boolean {
    if (this.full) return true
    let fd: number | undefined
    try {
      this.full = statSync(this.file, { throwIfNoEntry: false })?.size === BALLAST_BYTES
      if (this.full) return true
      fd = openSync(this.file, 'w', 0o640)
      // Real bytes: a sparse file would hold no space.
      const chunk = Buffer.alloc(64 * 1024, 1)
      for (let written = 0; written < BALLAST_BYTES;)
        written += writeSync(fd, chunk, 0, Math.min(chunk.length, BALLAST_BYTES - written))
      fsyncSync(fd)
      this.full = true
    } catch (error) {
      if (systemCode(error) === undefined) throw error
      this.release()
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
    return this.full
  }

  release(): void {
    this.full = false
    try {
      rmSync(this.file, { force: true })
    } catch (error) {
      // On a read-only file system there is nothing to give back.
      if (systemCode(error) === undefined) throw error
    }
  }
}

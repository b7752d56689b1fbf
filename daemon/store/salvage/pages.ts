import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { PAGE_BYTES } from '../connection.ts'

/** Bytes of the first page before its b-tree. */
export const DATABASE_HEADER = 100

/** https://sqlite.org/fileformat2.html#walformat */
const WAL_HEADER = 32
const FRAME_HEADER = 24
const SALTS = 16
const FRAME_SALTS = 8

/**
 * Reads the pages of a database past SQLite, as its newest commit has them: those in the write-ahead log replace those of the file.
 * Checksums of frames are not checked, because the caller must check all that it makes of a page anyway.
 */
export class Pages {
  readonly count: number
  private readonly file: number
  private readonly wal: number | undefined
  /** Offset of the newest version of a page in the write-ahead log. */
  private readonly newer = new Map<number, number>()

  constructor(file: string) {
    this.file = openSync(file, 'r')
    this.wal = existsSync(`${file}-wal`) ? openSync(`${file}-wal`, 'r') : undefined
    if (this.wal !== undefined) this.readFrames(this.wal)
    let count = Math.ceil(fstatSync(this.file).size / PAGE_BYTES)
    for (const page of this.newer.keys()) count = Math.max(count, page)
    this.count = count
  }

  /** Page 1 is the first. Missing bytes read as zeros. */
  read(page: number): Buffer {
    const at = this.newer.get(page)
    if (at !== undefined && this.wal !== undefined) return readAt(this.wal, at, PAGE_BYTES)
    return readAt(this.file, (page - 1) * PAGE_BYTES, PAGE_BYTES)
  }

  close(): void {
    closeSync(this.file)
    if (this.wal !== undefined) closeSync(this.wal)
  }

  private readFrames(wal: number): void {
    const { size } = fstatSync(wal)
    const salts = readAt(wal, SALTS, 8)
    const uncommitted = new Map<number, number>()
    for (let at = WAL_HEADER; at + FRAME_HEADER + PAGE_BYTES <= size; at += FRAME_HEADER + PAGE_BYTES) {
      const header = readAt(wal, at, FRAME_HEADER)
      // Frames from here on are older than the last restart of the log.
      if (!header.subarray(FRAME_SALTS, FRAME_SALTS + 8).equals(salts)) break
      uncommitted.set(header.readUInt32BE(0), at + FRAME_HEADER)
      if (header.readUInt32BE(4) === 0) continue
      for (const [page, place] of uncommitted) this.newer.set(page, place)
      uncommitted.clear()
    }
  }
}

function readAt(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  readSync(file, bytes, 0, length, at)
  return bytes
}

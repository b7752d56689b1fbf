import { type FileHandle, mkdir, open, readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, systemCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { syncFolderAsync } from '../../platform/write-durably.ts'
import { DEFAULT_MAX_BYTES, DEFAULT_ROTATE_BYTES, type FileConfig } from './file-settings.ts'

const NAME = /^journal-(\d{12})\.jsonl$/
const NEWLINE = 10
const BLOCK_BYTES = 64 * 1024

interface JournalFile {
  readonly path: string
  readonly number: number
  bytes: number
}

export interface Dropped {
  readonly files: number
  readonly bytes: number
}

/**
 * Numbered files of lines, `journal-<n>.jsonl`, written by one process.
 *
 * - `append` resolves after the bytes, and the name of a new file, are on the disk.
 * - After a failure nothing of that append remains: the file is cut back. The same holds for a crash: a last line without its
 *   newline is cut off when the journal is opened.
 * - Only whole files are deleted, the oldest first, never the one being written.
 * - Numbers only rise, so the order of the names is the order of the lines, whatever the clock says.
 */
export class Journal {
  private readonly directory: string
  private readonly rotateBytes: number
  private readonly maxBytes: number
  private readonly logger: Logger
  private readonly onDrop: (dropped: Dropped) => void
  /** All files, oldest first. Once `handle` is open it is the last one's. */
  private readonly files: JournalFile[]
  private handle: FileHandle | undefined
  /** The last file may hold bytes of an append that failed. */
  private isSuspect = false

  static async open(config: FileConfig, logger: Logger, onDrop: (dropped: Dropped) => void): Promise<Journal> {
    await mkdir(config.directory, { recursive: true })
    const files: JournalFile[] = []
    for (const name of (await readdir(config.directory)).toSorted()) {
      const match = NAME.exec(name)
      if (match === null) continue
      const path = join(config.directory, name)
      files.push({ path, number: Number(match[1]), bytes: (await stat(path)).size })
    }
    const journal = new Journal(config, files, logger, onDrop)
    await journal.openLast()
    return journal
  }

  private constructor(config: FileConfig, files: JournalFile[], logger: Logger, onDrop: (dropped: Dropped) => void) {
    this.directory = config.directory
    this.rotateBytes = config.rotateBytes ?? DEFAULT_ROTATE_BYTES
    this.maxBytes = config.maxBytes ?? DEFAULT_MAX_BYTES
    this.files = files
    this.logger = logger
    this.onDrop = onDrop
  }

  async append(bytes: Buffer): Promise<void> {
    const { handle, file } = await this.writable(bytes.length)
    this.isSuspect = true
    try {
      await writeAll(handle, bytes, file.bytes)
    } catch (error) {
      await this.tryCutBack(handle, file)
      throw error
    }
    file.bytes += bytes.length
    this.isSuspect = false
    await this.dropOldest()
  }

  async close(): Promise<void> {
    const { handle } = this
    this.handle = undefined
    try {
      if (this.isSuspect) await this.cutBack(handle, this.files.at(-1))
    } finally {
      await handle?.close()
    }
  }

  private async writable(length: number): Promise<{ handle: FileHandle; file: JournalFile }> {
    const current = this.files.at(-1)
    if (this.handle !== undefined && current !== undefined) {
      if (this.isSuspect) await this.cutBack(this.handle, current)
      const isFull = current.bytes > 0 && current.bytes + length > this.rotateBytes
      // An operator may have deleted the file: bytes that are written to it then would be lost.
      const isThere = (await this.handle.stat()).nlink > 0
      if (!isFull && isThere) return { handle: this.handle, file: current }
      await this.handle.close()
      this.handle = undefined
      if (!isThere) this.files.pop()
    }
    return this.create((current?.number ?? 0) + 1)
  }

  private async create(number: number): Promise<{ handle: FileHandle; file: JournalFile }> {
    const path = join(this.directory, `journal-${String(number).padStart(12, '0')}.jsonl`)
    await mkdir(this.directory, { recursive: true })
    const handle = await open(path, 'w')
    try {
      await syncFolderAsync(this.directory)
    } catch (error) {
      await handle.close()
      throw error
    }
    const file = { path, number, bytes: 0 }
    this.files.push(file)
    this.handle = handle
    return { handle, file }
  }

  private async openLast(): Promise<void> {
    const last = this.files.at(-1)
    if (last === undefined) return
    this.handle = await open(last.path, 'r+')
    last.bytes = await endOfLastLine(this.handle, last.bytes)
    await this.cutBack(this.handle, last)
  }

  private async cutBack(handle: FileHandle | undefined, file: JournalFile | undefined): Promise<void> {
    if (handle === undefined || file === undefined) return
    await handle.truncate(file.bytes)
    await handle.datasync()
    this.isSuspect = false
  }

  /** On a failing disk, cutting back may fail too; it is tried again before the next append and at the next start. */
  private async tryCutBack(handle: FileHandle, file: JournalFile): Promise<void> {
    try {
      await this.cutBack(handle, file)
    } catch (error) {
      this.logger.warn(
        { path: file.path, error: messageOf(error) },
        'the journal could not be cut back after a failed write',
      )
    }
  }

  private async dropOldest(): Promise<void> {
    let total = this.files.reduce((sum, file) => sum + file.bytes, 0)
    let files = 0
    let bytes = 0
    while (total > this.maxBytes && this.files.length > 1) {
      const oldest = this.files[0]
      if (oldest === undefined) break
      if (!(await this.tryDelete(oldest.path))) break
      this.files.shift()
      total -= oldest.bytes
      bytes += oldest.bytes
      files += 1
    }
    if (files > 0) this.onDrop({ files, bytes })
  }

  /** The append itself has succeeded; a file that cannot be deleted now is tried again after the next one. */
  private async tryDelete(path: string): Promise<boolean> {
    try {
      await unlink(path)
      return true
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return true
      this.logger.warn({ path, error: messageOf(error) }, 'an old journal file could not be deleted')
      return false
    }
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
  await handle.datasync()
}
/** The offset behind the last newline; 0 if there is none. */
async function endOfLastLine(handle: FileHandle, size: number): Promise<number> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES)
  for (let end = size; end > 0; end -= BLOCK_BYTES) {
    const start = Math.max(0, end - BLOCK_BYTES)
    const { bytesRead } = await handle.read(block, 0, end - start, start)
    const at = block.subarray(0, bytesRead).lastIndexOf(NEWLINE)
    if (at !== -1) return start + at + 1
  }
  return 0
}

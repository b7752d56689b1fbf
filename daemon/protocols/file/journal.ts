import { constants, type Stats } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, systemCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { syncFolderAsync } from '../../platform/write-durably.ts'
import { DEFAULT_MAX_BYTES, DEFAULT_ROTATE_BYTES, type FileConfig } from './file-settings.ts'
import { readLastNumber, writeLastNumber } from './last-number.ts'

const NAME = /^journal-(\d{12})\.jsonl$/
const NEWLINE = 10
const BLOCK_BYTES = 64 * 1024
/** Bytes go to the end of the file, wherever a person has moved that meanwhile. Never over a file that is there. */
const NEW_FILE = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL
const KNOWN_FILE = constants.O_RDWR | constants.O_APPEND

interface JournalFile {
  readonly path: string
  readonly number: number
  bytes: number
  /** Of the file that is open. */
  inode?: number
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
 * - Numbers only rise, so the order of the names is the order of the lines, whatever the clock says. None is given twice, also when
 *   files are moved away or deleted.
 * - People may truncate, move and delete the files at any time: what is there is looked at before each append.
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
  private lastNumber = 0
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
    journal.lastNumber = Math.max(await readLastNumber(config.directory), files.at(-1)?.number ?? 0)
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
      const isThere = await this.lookAt(this.handle, current)
      const isFull = current.bytes > 0 && current.bytes + length > this.rotateBytes
      if (!isFull && isThere) return { handle: this.handle, file: current }
      await this.handle.close()
      this.handle = undefined
      this.isSuspect = false
      if (!isThere) this.files.pop()
    }
    return this.create()
  }

  /**
   * Compares the file with what was written to it. Returns false for one that was moved away or deleted, where bytes would be lost, and
   * for one that somebody else has written to and that does not end in a whole line.
   */
  private async lookAt(handle: FileHandle, file: JournalFile): Promise<boolean> {
    const found = await statIfThere(file.path)
    if (found === undefined || found.ino !== file.inode) {
      this.logger.warn({ path: file.path }, 'the journal was moved or deleted; a new file is begun')
      return false
    }
    if (this.isSuspect && found.size >= file.bytes) await this.cutBack(handle, file)
    else if (found.size < file.bytes) {
      this.logger.warn({ path: file.path, was: file.bytes, is: found.size }, 'the journal was truncated')
      file.bytes = await endOfLastLine(handle, found.size)
      await this.cutBack(handle, file)
    } else if (found.size > file.bytes) {
      this.logger.warn({ path: file.path }, 'somebody else has written to the journal; a new file is begun')
      file.bytes = found.size
      return (await endOfLastLine(handle, found.size)) === found.size
    }
    return true
  }

  private async create(): Promise<{ handle: FileHandle; file: JournalFile }> {
    await mkdir(this.directory, { recursive: true })
    const number = this.lastNumber + 1
    await writeLastNumber(this.directory, number)
    this.lastNumber = number
    const path = join(this.directory, `journal-${String(number).padStart(12, '0')}.jsonl`)
    const handle = await open(path, NEW_FILE)
    try {
      await syncFolderAsync(this.directory)
      const file = { path, number, bytes: 0, inode: (await handle.stat()).ino }
      this.files.push(file)
      this.handle = handle
      return { handle, file }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  private async openLast(): Promise<void> {
    const last = this.files.at(-1)
    // The newest file was moved away: its lines come before those that are written now, so these need a new file.
    if (last === undefined || last.number < this.lastNumber) return
    this.handle = await open(last.path, KNOWN_FILE)
    last.inode = (await this.handle.stat()).ino
    last.bytes = await endOfLastLine(this.handle, last.bytes)
    await this.cutBack(this.handle, last)
  }

  private async cutBack(handle: FileHandle | undefined, file: JournalFile | undefined): Promise<void> {
    if (handle === undefined || file === undefined) return
    // A file that a person has truncated meanwhile would be filled up with zeros.
    if ((await handle.stat()).size > file.bytes) await handle.truncate(file.bytes)
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
    if (this.totalBytes() <= this.maxBytes) return
    await this.lookAtOlder()
    let files = 0
    let bytes = 0
    while (this.totalBytes() > this.maxBytes && this.files.length > 1) {
      const oldest = this.files[0]
      if (oldest === undefined || !(await this.tryDelete(oldest.path))) break
      this.files.shift()
      bytes += oldest.bytes
      files += 1
    }
    if (files > 0) this.onDrop({ files, bytes })
  }

  private totalBytes(): number {
    return this.files.reduce((sum, file) => sum + file.bytes, 0)
  }

  /** People may have made room already. */
  private async lookAtOlder(): Promise<void> {
    for (const file of this.files.slice(0, -1)) {
      const found = await statIfThere(file.path)
      if (found === undefined) this.files.splice(this.files.indexOf(file), 1)
      else file.bytes = found.size
    }
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

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
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

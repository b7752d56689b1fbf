import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes a file whole or not at all: after a power cut it holds either the old text or all of the new. Throws as `fs` does. */
export function writeDurably(path: string, text: string, mode: number): void {
  const draft = `${path}.new`
  // A draft that a crash has left behind may have another mode.
  rmSync(draft, { force: true })
  const file = openSync(draft, 'wx', mode)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(draft, path)
  syncFolder(dirname(path))
}

/** Makes durable which files a folder holds: after creating, renaming or removing one, fsync(2) of the file is not enough. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** syncFolder for threads that must not wait for the disk. */
export async function syncFolderAsync(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

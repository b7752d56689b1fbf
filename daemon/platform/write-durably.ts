import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes a file whole or not at all: after a power cut there is what was before, or all of what is new. Throws as `fs` does. */
export function writeDurably(path: string, text: string, mode: number): void {
  const draft = `${path}.new`
  // What a crash has left there may have another mode.
  rmSync(draft, { force: true })
  const file = openSync(draft, 'wx', mode)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(draft, path)
  fsyncFolder(dirname(path))
}

/** Makes renames in a folder durable. */
export function fsyncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

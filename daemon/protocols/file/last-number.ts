import { open, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'

const NAME = /^\.last-(\d{12})$/

/**
 * The highest number that a journal's folder has given to a file, in the name of an empty file. The journal's files alone do not tell:
 * the newest may have been moved away or deleted. 0 where none is known.
 */
export async function readLastNumber(directory: string): Promise<number> {
  const numbers = (await readdir(directory)).map((name) => Number(NAME.exec(name)?.[1] ?? 0))
  return Math.max(0, ...numbers)
}

/** Durable once the folder is synced. */
export async function writeLastNumber(directory: string, number: number): Promise<void> {
  const next = join(directory, nameOf(number))
  try {
    await rename(join(directory, nameOf(number - 1)), next)
  } catch {
    // The first one, or somebody has cleaned up.
    await (await open(next, 'a')).close()
  }
}

function nameOf(number: number): string {
  return `.last-${String(number).padStart(12, '0')}`
}

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TemporaryFolder } from '../../test/servers/temporary-folder.ts'

const CACHE = join(import.meta.dirname, '../../.cache')

/** On the disk of the clone: the system's temporary folder may be in memory, where an fsync costs nothing. */
export function benchFolder(): TemporaryFolder {
  mkdirSync(CACHE, { recursive: true })
  const path = mkdtempSync(join(CACHE, 'bench-'))
  const remove = () => {
    process.off('exit', remove)
    rmSync(path, { recursive: true, force: true })
  }
  process.on('exit', remove)
  return { path, remove }
}

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

/**
 * Identifies the boot in which monotonic times were taken. Where the kernel has no boot id, every start of the daemon counts as a boot:
 * ages may then be too short, but never too long.
 */
export function readBootId(read: (path: string) => string = (path) => readFileSync(path, 'utf8')): string {
  try {
    const id = read('/proc/sys/kernel/random/boot_id').trim()
    return id === '' ? randomUUID() : id
  } catch {
    return randomUUID()
  }
}

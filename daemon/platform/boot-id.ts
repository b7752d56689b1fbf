import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

/**
 * Changes with every boot, which is when monotonic time starts anew. Where the kernel does not tell, every start
 * of the daemon counts as a boot: that only forgets running time, it never invents any.
 */
export function readBootId(read: (path: string) => string = (path) => readFileSync(path, 'utf8')): string {
  try {
    const id = read('/proc/sys/kernel/random/boot_id').trim()
    return id === '' ? randomUUID() : id
  } catch {
    return randomUUID()
  }
}

import { setPriority } from 'node:os'
import { systemCode } from '../core/errors.ts'

/**
 * Lowers the priority of a process, or of the calling thread for pid 0, to a niceness of 1 to 19. Returns false where that is refused (a
 * container may filter the system call) or the process has ended: it only makes room for others, so callers may ignore it.
 */
export function lowerPriority(pid: number, niceness: number): boolean {
  try {
    setPriority(pid, niceness)
    return true
  } catch (error) {
    if (systemCode(error) !== 'ERR_SYSTEM_ERROR') throw error
    return false
  }
}

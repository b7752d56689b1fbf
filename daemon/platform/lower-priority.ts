import { setPriority } from 'node:os'
import { systemCode } from '../core/errors.ts'

/**
 * Lowers the priority of a process, or with 0 of the calling thread, to a niceness of 1 to 19. Answers false where that is refused, as by
 * a container's filter of system calls, or where the process has ended: it is done for others, nothing depends on it.
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

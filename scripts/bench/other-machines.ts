/**
 * Devices and readers are on other machines. Here they must neither take the processor from what is timed, nor wait for it. At a
 * mere lower priority Linux lets a process end its slice of three milliseconds before it wakes anybody else; in the idle class it is
 * still owed one now and then, which only the real-time class does not wait for.
 */
import { execFileSync } from 'node:child_process'

/** For whoever is not timed. */
export const ONLY_WHEN_IDLE = ['chrt', '--idle', '0']

const isRoot = process.getuid?.() === 0
/** For the device that is timed. */
export const AHEAD = isRoot ? ['chrt', '--rr', '1'] : []

/** For the gateway, where others on this machine are not its own. */
export function putAhead(pid: number): void {
  if (isRoot) execFileSync('chrt', ['--all-tasks', '--rr', '--pid', '1', String(pid)])
  else process.stderr.write('  not run by root: the readers take processor time from the gateway\n')
}

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { waitUntil } from '../servers/wait-until.ts'
import type { DaemonProcess } from './daemon-process.ts'

/**
 * Stops the next process that checks a document, which thereby gets no processor at all, as on the busiest of machines. Returns
 * what lets it go on.
 */
export async function stopNextCheck(daemon: DaemonProcess): Promise<() => void> {
  let pid = 0
  await waitUntil(
    () => `a document is being checked\n${daemon.log().slice(-2_000)}`,
    () => {
      pid = checkerOf(daemon.pid) ?? 0
      if (pid !== 0) process.kill(pid, 'SIGSTOP')
      return pid !== 0
    },
  )
  return () => void process.kill(pid, 'SIGCONT')
}

/** Whether a process checks a document now. */
export function isChecking(daemon: DaemonProcess): boolean {
  return checkerOf(daemon.pid) !== undefined
}

function checkerOf(pid: number): number | undefined {
  const threads = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : []
  return threads
    .flatMap((thread) => readText(`/proc/${pid}/task/${thread}/children`).split(' '))
    .map(Number)
    .find((child) => child > 0 && readText(`/proc/${child}/cmdline`).includes('check-document-child'))
}

/** Empty for a process that has ended meanwhile. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

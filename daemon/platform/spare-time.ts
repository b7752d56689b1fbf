import { existsSync } from 'node:fs'
import process from 'node:process'
import { runCommand } from './run-command.ts'

/** Of util-linux. */
const CHRT = '/usr/bin/chrt'
const TIMEOUT_MS = 1_000

/** How Node is started as a process that runs only while nobody else wants the processor. */
export interface NodeCommand {
  execPath: string
  execArgv: string[]
}

/**
 * Node for a process that has only the processor time that no other wants (SCHED_IDLE, sched(7)): a low priority alone still takes
 * whole slices of three milliseconds from whoever wakes up. undefined where `chrt` is missing.
 */
export function nodeInSpareTime(execArgv: readonly string[]): NodeCommand | undefined {
  if (!existsSync(CHRT)) return undefined
  return { execPath: CHRT, execArgv: ['-i', '0', process.execPath, ...execArgv] }
}

/** Gives such a process time as others have. Answers false where that is refused: without privileges it needs RLIMIT_NICE. */
export async function endSpareTime(pid: number): Promise<boolean> {
  const args = ['-a', '-o', '-p', '0', String(pid)]
  const { exitCode } = await runCommand(CHRT, args, { timeoutMs: TIMEOUT_MS })
  return exitCode === 0
}

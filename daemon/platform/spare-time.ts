import { existsSync } from 'node:fs'
import process from 'node:process'
import { runCommand } from './run-command.ts'

/** From util-linux. */
const CHRT = '/usr/bin/chrt'
/** Only for a `chrt` that hangs: on a busy machine it may have to wait for a processor, too. */
const TIMEOUT_MS = 30_000

/** Program and arguments that start Node. */
export interface NodeCommand {
  execPath: string
  execArgv: string[]
}

/**
 * Starts Node in the idle class (SCHED_IDLE, sched(7)), which runs only while no other process wants the processor: a low priority alone
 * delays others by whole slices of three milliseconds (`registration`). Returns undefined where `chrt` is missing.
 */
export function nodeInSpareTime(execArgv: readonly string[]): NodeCommand | undefined {
  if (!existsSync(CHRT)) return undefined
  return { execPath: CHRT, execArgv: ['-i', '0', process.execPath, ...execArgv] }
}

/** Moves the process to the normal class. Returns false where that is refused: without privileges it needs RLIMIT_NICE. */
export async function endSpareTime(pid: number): Promise<boolean> {
  const args = ['-a', '-o', '-p', '0', String(pid)]
  const { exitCode } = await runCommand(CHRT, args, { timeoutMs: TIMEOUT_MS })
  return exitCode === 0
}

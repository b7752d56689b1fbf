import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

export interface Child {
  readonly pid: number
  readonly exited: Promise<void>
  isRunning(): boolean
  signal(name: NodeJS.Signals): void
  /** The end of what it wrote, for the error message of a failed start. */
  log(): string
}

/** A server process that does not outlive this one, even if this one is killed. */
export function startChild(
  command: string,
  args: readonly string[],
  options: { logFile: string; env?: NodeJS.ProcessEnv },
): Child {
  const log = openSync(options.logFile, 'a')
  const child = spawn(command, args, {
    stdio: ['ignore', log, log],
    ...(options.env === undefined ? {} : { env: options.env }),
  })
  closeSync(log)
  const { pid } = child
  if (pid === undefined) throw new Error(`${command} could not be started`)

  // Its standard input closes when we are gone, however that happened.
  const watchdog = spawn('sh', ['-c', `read -r _; kill -9 ${pid}`], { stdio: ['pipe', 'ignore', 'ignore'] })
  const killNow = () => void child.kill('SIGKILL')
  process.on('exit', killNow)
  const exited = onExit(child).then(() => {
    process.off('exit', killNow)
    watchdog.kill('SIGKILL')
  })
  return {
    pid,
    exited,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    signal: (name) => void child.kill(name),
    log: () => readFileSync(options.logFile, 'utf8').slice(-4000),
  }
}

function onExit(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
  })
}

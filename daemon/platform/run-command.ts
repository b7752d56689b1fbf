import { execFile } from 'node:child_process'

export interface CommandResult {
  /** 0 after success; null if the command was not found, was killed or took too long. */
  exitCode: number | null
  stdout: string
  /** The program does not exist on this machine. */
  missing: boolean
}

/** Runs a helper program. Always resolves, within the time limit. */
export type RunCommand = (
  file: string,
  args: readonly string[],
  options: { timeoutMs: number; env?: Readonly<Record<string, string>> },
) => Promise<CommandResult>

export const runCommand: RunCommand = (file, args, { timeoutMs, env }) =>
  new Promise((resolve) => {
    execFile(
      file,
      [...args],
      // A helper that hangs may ignore SIGTERM.
      { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 64 * 1024, ...(env === undefined ? {} : { env }) },
      (error, stdout) => {
        if (error === null) resolve({ exitCode: 0, stdout, missing: false })
        else {
          const exitCode = typeof error.code === 'number' ? error.code : null
          resolve({ exitCode, stdout, missing: String(error.code) === 'ENOENT' })
        }
      },
    )
  })

import { execFile } from 'node:child_process'

export interface CommandResult {
  /** 0 where the command succeeded; null where it was not found, was killed or took too long. */
  exitCode: number | null
  stdout: string
  /** The program does not exist here. */
  missing: boolean
}

/** Runs a small helper program; always resolves, and never later than the time limit. */
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
      // KILL, since a helper that hangs on a dead socket may ignore TERM.
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

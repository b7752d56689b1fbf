/** The parts of the process that commands use; main.ts hands them in. */
export interface CliContext {
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  hostName: string
  stdin: NodeJS.ReadableStream
  stdout: NodeJS.WritableStream & { isTTY?: boolean }
  stderr: NodeJS.WritableStream & { isTTY?: boolean }
  onSignal: (signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP', handler: () => void) => void
  onUncaught: (handler: (error: unknown) => void) => void
  /** Ends the process at once. */
  exit: (code: number) => void
}

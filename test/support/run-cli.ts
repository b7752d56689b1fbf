import { spawn } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

export interface CliEnded {
  code: number | null
  stdout: string
  stderr: string
}

/** The command line as a process of its own, with nothing of the tests' environment but the path. */
export function runCli(
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<CliEnded> {
  // eslint-disable-next-line node/no-process-env -- tools are found by the path that the tests have
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(join(ROOT, 'node_modules/.bin/node'), [join(ROOT, 'daemon/main.ts'), ...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { PATH, HOME, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })))
}

import { spawn } from 'node:child_process'
import { join } from 'node:path'

/**
 * Runs a program of this folder on this Node; resolves to the line of JSON that it prints. Fails with what it said. `under`: a
 * command that runs it.
 */
export function runForJson(
  program: string,
  args: readonly string[],
  limitMs: number,
  under: readonly string[] = [],
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const [command = '', ...rest] = [...under, process.execPath, join(import.meta.dirname, program), ...args]
    const child = spawn(command, rest)
    const kill = () => void child.kill('SIGKILL')
    process.on('exit', kill)
    const timer = setTimeout(kill, limitMs)
    let output = ''
    let talk = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (talk += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      process.off('exit', kill)
      if (code === 0) resolve(JSON.parse(output))
      else reject(new Error(`${program} ended with ${signal ?? code} (it had ${limitMs / 1000} s): ${talk.trim()}`))
    })
  })
}

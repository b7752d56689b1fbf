import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { requireTool } from '../servers/require-tool.ts'
import { waitUntil } from '../servers/wait-until.ts'

export interface Trace {
  /** Detaches; gives the thread of each call that was seen. */
  stop(): Promise<{ thread: number; call: string }[]>
}

/** Watches the system calls of a running process and its threads, and injects what the arguments say. */
export async function trace(pid: number, outputFile: string, args: readonly string[]): Promise<Trace> {
  const child = spawn(requireTool('strace'), ['-f', '-o', outputFile, '-p', String(pid), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await waitUntil(
    () => `strace is attached: ${said}`,
    () => said.includes('attached'),
  )
  return {
    async stop() {
      child.kill('SIGINT')
      await once(child, 'exit')
      const lines = readFileSync(outputFile, 'utf8').split('\n')
      return lines.flatMap((line) => {
        const match = /^(\d+) +(\w+)\(/.exec(line)
        return match === null ? [] : [{ thread: Number(match[1]), call: match[2] ?? '' }]
      })
    },
  }
}

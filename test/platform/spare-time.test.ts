import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { afterAll, expect, test } from 'vitest'
import { endSpareTime, nodeInSpareTime } from '../../daemon/platform/spare-time.ts'
import { temporaryFolder } from '../servers/temporary-folder.ts'

const SCHED_OTHER = 0
const SCHED_IDLE = 5

const folder = temporaryFolder('spare-time')
const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  folder.remove()
})

/** proc_pid_stat(5): field 41, counted behind the name, which may hold anything. */
function policyOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38])
}

async function startInSpareTime(): Promise<number> {
  const command = nodeInSpareTime(['--max-old-space-size=64'])
  if (command === undefined) throw new Error('chrt is missing: apt-get install util-linux')
  const script = join(folder.path, 'child.cjs')
  writeFileSync(script, 'process.send(process.execArgv); setInterval(() => {}, 1000)')
  const child = fork(script, [], { ...command, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  children.push(child)
  const [options] = await once(child, 'message')
  expect(options).toEqual(['--max-old-space-size=64'])
  return child.pid ?? 0
}

test('a process in spare time is Node with its options, of the idle class', async () => {
  expect(policyOf(await startInSpareTime())).toBe(SCHED_IDLE)
})

test.runIf(process.getuid?.() === 0)('it can be given time as others have', async () => {
  const pid = await startInSpareTime()
  expect(await endSpareTime(pid)).toBe(true)
  expect(policyOf(pid)).toBe(SCHED_OTHER)
})

test('a process that has ended cannot be given time', async () => {
  const pid = await startInSpareTime()
  const child = children.at(-1)
  child?.kill('SIGKILL')
  if (child !== undefined) await once(child, 'exit')
  expect(await endSpareTime(pid)).toBe(false)
})

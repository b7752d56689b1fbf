import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

export interface ProcessUsage {
  /** User and system time of all threads, those that have ended too; not of child processes. */
  cpuMs: number
  rssBytes: number
  /** Since the start of the process, or since `resetPeak`. */
  peakRssBytes: number
}

let ticksPerSecond: number | undefined

/** As the kernel counts it; CPU time in steps of 10 ms. Linux only. */
export function readUsage(pid: number): ProcessUsage {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name, which may hold spaces and brackets; state is the third.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return {
    cpuMs: (ticks * 1000) / ticksPerSecond,
    rssBytes: kibibytes(status, 'VmRSS') * 1024,
    peakRssBytes: kibibytes(status, 'VmHWM') * 1024,
  }
}

/** How often the threads that there are now have waited for something and were woken. */
export function readWakeUps(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')
    return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? 0)
  }, 0)
}

/** The peak counts from now on. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

function kibibytes(status: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
  if (found === undefined) throw new Error(`no ${name} in the status of the process`)
  return Number(found)
}

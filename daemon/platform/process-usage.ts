import { readFileSync } from 'node:fs'

export interface ProcessUsage {
  /** Processor time of all its threads, in user and system mode. */
  cpuMs: number
  /** Memory that it occupies now. */
  residentBytes: number
}

/** Linux reports processor time in hundredths of a second on every architecture (USER_HZ, proc_pid_stat(5)). */
const TICK_MS = 10

/** What a process has used so far. Undefined where it has ended, or /proc is hidden. */
export function processUsage(pid: number): ProcessUsage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program stands in parentheses, and may contain some.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
    return { cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS, residentBytes: Number(resident) * 1024 }
  } catch {
    return undefined
  }
}

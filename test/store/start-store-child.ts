import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { LogStoreOptions } from '../../daemon/store/log/log-store.ts'
import { waitUntil } from '../servers/wait-until.ts'

export interface ChildOptions {
  window?: number
  first?: number
  count?: number
  payloadBytes?: number
  ratePerSecond?: number
  maxBytes?: number
  durability?: LogStoreOptions['durability']
  whenFull?: LogStoreOptions['whenFull']
  destinations?: string[]
  /** Cursors follow the acknowledgements; SIGUSR2 switches this on later. */
  settle?: boolean
  /** Adds the milliseconds to each acknowledgement. */
  latency?: boolean
  killWriterEveryMs?: number
  /** Kills itself when everything is published. */
  crashAtEnd?: boolean
  /** Stays open when everything is published. */
  stayOpen?: boolean
}

export interface Acknowledged {
  number: number
  seq: number
  latencyMs: number
}

const SCRIPT = fileURLToPath(new URL('store-child.ts', import.meta.url))

/** The program of `store-child.ts`; `wrap` puts another program (strace) before it. */
export class StoreChild {
  readonly process: ChildProcess
  readonly ended: Promise<number | null>
  private readonly logFile: string

  constructor(directory: string, logFile: string, options: ChildOptions = {}, wrap: readonly string[] = []) {
    this.logFile = logFile
    const out = openSync(logFile, 'a')
    const [command, ...args] = [...wrap, process.execPath, SCRIPT, directory, JSON.stringify(options)]
    this.process = spawn(command, args, { stdio: ['ignore', out, out] })
    closeSync(out)
    this.ended = new Promise((resolve) => this.process.once('exit', (code) => resolve(code)))
  }

  lines(): string[] {
    // A line may be half written when the process is killed.
    return readFileSync(this.logFile, 'utf8').split('\n').slice(0, -1)
  }

  has(start: string): boolean {
    return this.lines().some((line) => line.startsWith(start))
  }

  acknowledged(): Acknowledged[] {
    return acknowledgedIn(this.lines())
  }

  async until(start: string, limitMs = 30_000): Promise<void> {
    await waitUntil(
      () => `"${start}" in ${this.lines().slice(-20).join('\n')}`,
      () => this.has(start),
      limitMs,
    )
  }

  async untilAcknowledged(count: number, limitMs = 30_000): Promise<void> {
    await waitUntil(
      () => `${count} acknowledgements in ${this.lines().slice(-20).join('\n')}`,
      () => this.acknowledged().length >= count,
      limitMs,
    )
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.ended
  }
}

export function acknowledgedIn(lines: readonly string[]): Acknowledged[] {
  return lines
    .filter((line) => line.startsWith('ack '))
    .map((line) => {
      const [, number, seq, latency] = line.split(' ')
      return { number: Number(number), seq: Number(seq), latencyMs: Number(latency ?? 0) }
    })
}

import type { Clock } from '../core/clock.ts'
import { systemTimers, type Timer, type Timers } from '../core/timers.ts'
import type { RunCommand } from './run-command.ts'

const ASK_EVERY_MS = 30_000
const TIME_LIMIT_MS = 5_000

/** This version was released later: a clock that shows an earlier time was never set. */
export const RELEASE_FLOOR_MS = Date.UTC(2026, 0, 1)

export interface ClockSyncOptions {
  clock: Clock
  run: RunCommand
  /** The system's, if not given. */
  timers?: Timers
}

/**
 * Decides whether the wall clock can be trusted, because a Raspberry Pi boots without one. Asks systemd until it is synchronised; where
 * systemd cannot be asked, a clock that shows a time after the release is trusted.
 */
export class ClockSync {
  private readonly options: ClockSyncOptions
  private readonly followers: ((synced: boolean) => void)[] = []
  private timer: Timer | undefined
  private stopped = false
  private trusted = false

  constructor(options: ClockSyncOptions) {
    this.options = options
  }

  get synced(): boolean {
    return this.trusted
  }

  /** Calls back at each change from now on. */
  follow(changed: (synced: boolean) => void): void {
    this.followers.push(changed)
  }

  /** Resolves after the first answer; asks again in the background until the clock is synchronised. */
  async start(): Promise<void> {
    this.stopped = false
    this.timer = (this.options.timers ?? systemTimers).every(ASK_EVERY_MS, () => void this.ask())
    await this.ask()
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
  }

  private async ask(): Promise<void> {
    const synced = await this.isSynchronised()
    if (this.stopped) return
    if (synced !== this.trusted) {
      this.trusted = synced
      for (const changed of this.followers) changed(synced)
    }
    if (synced) this.timer?.cancel()
  }

  private async isSynchronised(): Promise<boolean> {
    const { run, clock } = this.options
    if (clock.wallMs() < RELEASE_FLOOR_MS) return false
    const args = ['show', '-p', 'NTPSynchronized', '--value']
    const result = await run('timedatectl', args, { timeoutMs: TIME_LIMIT_MS })
    return result.exitCode === 0 ? result.stdout.trim() === 'yes' : true
  }
}

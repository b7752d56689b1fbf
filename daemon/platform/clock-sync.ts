import type { Clock } from '../core/clock.ts'
import type { RunCommand } from './run-command.ts'

const ASK_EVERY_MS = 30_000
const TIME_LIMIT_MS = 5_000

/** No gateway of this version ran before it: a clock that shows less was never set. */
export const RELEASE_FLOOR_MS = Date.UTC(2026, 0, 1)

export interface ClockSyncOptions {
  clock: Clock
  run: RunCommand
}

/**
 * Decides whether the wall clock can be trusted: a Raspberry Pi boots without one. Asks systemd until it says yes; where systemd
 * cannot be asked, a clock that shows a time after the release is trusted.
 */
export class ClockSync {
  private readonly options: ClockSyncOptions
  private readonly followers: ((synced: boolean) => void)[] = []
  private timer: NodeJS.Timeout | undefined
  private stopped = false
  private believed = false

  constructor(options: ClockSyncOptions) {
    this.options = options
  }

  get synced(): boolean {
    return this.believed
  }

  /** Calls back when the answer changes from now on. */
  follow(changed: (synced: boolean) => void): void {
    this.followers.push(changed)
  }

  /** Resolves after the first answer; asks again in the background until the answer is yes. */
  async start(): Promise<void> {
    this.stopped = false
    await this.ask()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  private async ask(): Promise<void> {
    const synced = await this.isSynchronised()
    if (this.stopped) return
    if (synced !== this.believed) {
      this.believed = synced
      for (const changed of this.followers) changed(synced)
    }
    if (synced) return
    this.timer = setTimeout(() => void this.ask(), ASK_EVERY_MS)
    this.timer.unref()
  }

  private async isSynchronised(): Promise<boolean> {
    const { run, clock } = this.options
    if (clock.wallMs() < RELEASE_FLOOR_MS) return false
    const args = ['show', '-p', 'NTPSynchronized', '--value']
    const result = await run('timedatectl', args, { timeoutMs: TIME_LIMIT_MS })
    return result.exitCode === 0 ? result.stdout.trim() === 'yes' : true
  }
}

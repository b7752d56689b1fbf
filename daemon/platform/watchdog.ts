import type { Logger } from '../core/logger.ts'
import { systemTimers, type Timer, type Timers } from '../core/timers.ts'

export interface WatchdogOptions {
  /** `WATCHDOG_USEC`: systemd restarts the service after this time without a sign of life. */
  timeoutUsec: string | undefined
  /** `WATCHDOG_PID`: the process that is watched; undefined for any. */
  watchedPid: string | undefined
  ownPid: number
  /** Resolves to whether every part of the gateway still answers. */
  healthy: () => Promise<boolean>
  alive: () => Promise<void>
  logger: Logger
  /** The system's, if not given. */
  timers?: Timers
}

/**
 * Sends a sign of life at half of systemd's interval (sd_watchdog_enabled(3)), but only if `healthy` resolves to true within it: a daemon
 * whose writer or forwarder hangs is restarted, although its event loop still runs.
 */
export class Watchdog {
  private readonly options: WatchdogOptions
  private readonly intervalMs: number
  private timer: Timer | undefined
  private asking = false

  constructor(options: WatchdogOptions) {
    this.options = options
    const usec = Number(options.timeoutUsec ?? '0')
    const ours = options.watchedPid === undefined || Number(options.watchedPid) === options.ownPid
    this.intervalMs = ours && Number.isFinite(usec) && usec > 0 ? usec / 2_000 : 0
  }

  start(): void {
    if (this.intervalMs === 0 || this.timer !== undefined) return
    this.timer = (this.options.timers ?? systemTimers).every(this.intervalMs, () => void this.tick())
  }

  stop(): void {
    this.timer?.cancel()
    this.timer = undefined
  }

  private async tick(): Promise<void> {
    const { healthy, alive, logger } = this.options
    // The last check has not resolved: no sign of life, and no second check beside it.
    if (this.asking) return
    this.asking = true
    const startedMs = performance.now()
    try {
      const answer = await healthy()
      const inTime = performance.now() - startedMs < this.intervalMs
      if (answer && inTime) await alive()
      else logger.error({ answer, inTime }, 'the watchdog is not answered: a part of the gateway hangs')
    } catch (error) {
      logger.error({ err: error }, 'the watchdog is not answered: the health check failed')
    } finally {
      this.asking = false
    }
  }
}

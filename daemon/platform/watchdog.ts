import type { Logger } from '../core/logger.ts'

export interface WatchdogOptions {
  /** `WATCHDOG_USEC`: systemd restarts the service when it hears nothing for so long. */
  timeoutUsec: string | undefined
  /** `WATCHDOG_PID`: whose watchdog it is, where given. */
  watchedPid: string | undefined
  ownPid: number
  /** Does every part that must answer still answer? */
  healthy: () => Promise<boolean>
  alive: () => Promise<void>
  logger: Logger
}

/**
 * Says at half of systemd's interval that we are alive, but only while `healthy` answers true in that time:
 * a daemon whose writer or forwarder hangs is restarted, though its event loop still turns.
 */
export class Watchdog {
  private readonly options: WatchdogOptions
  private readonly intervalMs: number
  private timer: NodeJS.Timeout | undefined
  private asking = false

  constructor(options: WatchdogOptions) {
    this.options = options
    const usec = Number(options.timeoutUsec ?? '0')
    const ours = options.watchedPid === undefined || Number(options.watchedPid) === options.ownPid
    this.intervalMs = ours && Number.isFinite(usec) && usec > 0 ? usec / 2_000 : 0
  }

  start(): void {
    if (this.intervalMs === 0 || this.timer !== undefined) return
    this.timer = setInterval(() => void this.tick(), this.intervalMs)
    // The watchdog alone is no reason to stay.
    this.timer.unref()
  }

  stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
  }

  private async tick(): Promise<void> {
    const { healthy, alive, logger } = this.options
    // The last question is still open: no sign of life, and no second question on top of it.
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

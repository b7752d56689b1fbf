import type { Timers } from '../../core/timers.ts'

/** The pauses of a loop: `idle` ends early when there is work, `pause` only when the loop is stopped. */
export class Sleeper {
  private readonly timers: Timers
  private isStopped = false
  private hasWork = false
  private endIdle: (() => void) | undefined
  private endPause: (() => void) | undefined

  constructor(timers: Timers) {
    this.timers = timers
  }

  /** There may be work: ends `idle`, also one that begins later. */
  wake(): void {
    this.hasWork = true
    this.endIdle?.()
  }

  /** Ends every pause, now and from now on. */
  stop(): void {
    this.isStopped = true
    this.endIdle?.()
    this.endPause?.()
  }

  /** Waits until `wake`, for at most `maxMs`. */
  async idle(maxMs: number): Promise<void> {
    if (!this.hasWork && !this.isStopped) await this.wait(maxMs, (end) => (this.endIdle = end))
    this.endIdle = undefined
    this.hasWork = false
  }

  /** Waits for `ms`, whether or not there is work. */
  async pause(ms: number): Promise<void> {
    if (!this.isStopped) await this.wait(ms, (end) => (this.endPause = end))
    this.endPause = undefined
  }

  private wait(ms: number, register: (end: () => void) => void): Promise<void> {
    return new Promise<void>((resolve) => {
      const timer = this.timers.after(ms, resolve)
      register(() => {
        timer.cancel()
        resolve()
      })
    })
  }
}

import type { Timer, Timers } from '../../daemon/core/timers.ts'

/**
 * The timers of one process: they end with it. What it asks for afterwards never comes; with `isClosing` it comes at once, for the
 * code that frees what a real process would lose by itself.
 */
export class ProcessTimers implements Timers {
  private readonly timers: Timers
  private readonly isClosing: boolean
  private readonly waiting = new Set<Timer>()
  private isDead = false

  constructor(timers: Timers, isClosing = false) {
    this.timers = timers
    this.isClosing = isClosing
  }

  after(delayMs: number, callback: () => void): Timer {
    if (this.isDead && this.isClosing) queueMicrotask(callback)
    const timer = this.timers.after(delayMs, () => {
      this.waiting.delete(timer)
      if (!this.isDead) callback()
    })
    return this.keep(timer)
  }

  every(periodMs: number, callback: () => void): Timer {
    return this.keep(this.timers.every(periodMs, callback))
  }

  end(): void {
    this.isDead = true
    for (const timer of this.waiting) timer.cancel()
    this.waiting.clear()
  }

  private keep(timer: Timer): Timer {
    if (this.isDead) timer.cancel()
    this.waiting.add(timer)
    return {
      cancel: () => {
        this.waiting.delete(timer)
        timer.cancel()
      },
    }
  }
}

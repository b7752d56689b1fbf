import { FakeClock } from './clock.ts'

/** A timer that was started; `cancel` does nothing once it has fired. */
export interface Timer {
  cancel(): void
}

/** Port for timers, so that tests run in virtual time. Delays are measured on the monotonic clock. */
export interface Timers {
  /** Calls back once, after `delayMs`. Keeps the process alive until then. */
  after(delayMs: number, callback: () => void): Timer
  /** Calls back every `periodMs` until it is cancelled. Does not keep the process alive. */
  every(periodMs: number, callback: () => void): Timer
}

export const systemTimers: Timers = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
  every(periodMs, callback) {
    const timer = setInterval(callback, periodMs).unref()
    return { cancel: () => clearInterval(timer) }
  },
}

/** Resolves after `delayMs`. */
export function sleep(timers: Timers, delayMs: number): Promise<void> {
  return new Promise((resolve) => void timers.after(delayMs, resolve))
}

/** Settles as the promise does; rejects with `late()` when that takes longer than `deadlineMs`. */
export function withDeadline<Value>(
  timers: Timers,
  promise: Promise<Value>,
  deadlineMs: number,
  late: () => Error,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = timers.after(deadlineMs, () => reject(late()))
    promise.then(resolve, reject).finally(() => timer.cancel())
  })
}

/** Resolves when the promise has settled, either way, or after `deadlineMs`. */
export function settledWithin(timers: Timers, promise: Promise<unknown>, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = timers.after(deadlineMs, resolve)
    const settled = (): void => {
      timer.cancel()
      resolve()
    }
    promise.then(settled, settled)
  })
}

interface Waiting {
  dueMs: number
  /** Timers that are due at the same time fire in the order in which they were started. */
  order: number
  periodMs: number | undefined
  callback: () => void
}

/** Clock and timers of a test: time stands still until `pass`. */
export class FakeTime extends FakeClock implements Timers {
  private readonly waiting = new Set<Waiting>()
  private started = 0

  after(delayMs: number, callback: () => void): Timer {
    return this.start(delayMs, undefined, callback)
  }

  every(periodMs: number, callback: () => void): Timer {
    return this.start(periodMs, periodMs, callback)
  }

  /** Number of waiting timers. */
  get pending(): number {
    return this.waiting.size
  }

  /** Lets time pass: fires each timer at its own time, and lets promises settle before and after it. */
  async pass(ms: number): Promise<void> {
    const endMs = this.monotonicMs() + ms
    await settlePromises()
    for (let next = this.next(endMs); next !== undefined; next = this.next(endMs)) {
      this.advance(Math.max(0, next.dueMs - this.monotonicMs()))
      if (next.periodMs === undefined) this.waiting.delete(next)
      else next.dueMs += Math.max(1, next.periodMs)
      next.callback()
      await settlePromises()
    }
    this.advance(endMs - this.monotonicMs())
    await settlePromises()
  }

  private start(delayMs: number, periodMs: number | undefined, callback: () => void): Timer {
    const entry: Waiting = {
      dueMs: this.monotonicMs() + Math.max(0, delayMs),
      order: this.started++,
      periodMs,
      callback,
    }
    this.waiting.add(entry)
    return { cancel: () => void this.waiting.delete(entry) }
  }

  private next(endMs: number): Waiting | undefined {
    let first: Waiting | undefined
    for (const one of this.waiting)
      if (
        one.dueMs <= endMs &&
        (first === undefined || one.dueMs < first.dueMs || (one.dueMs === first.dueMs && one.order < first.order))
      )
        first = one
    return first
  }
}

/** Resolves when all promise callbacks that are due have run. */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

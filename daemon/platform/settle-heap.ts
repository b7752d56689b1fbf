import { systemTimers, type Timers } from '../core/timers.ts'

const CHECK_EVERY_MS = 5_000

/**
 * Collects the garbage of starting and returns the memory to the system (`idle-memory`): on a quiet gateway V8 would never do so. Blocks
 * the thread for a tenth of a second. Does nothing without `--expose-gc`.
 */
export function settleHeap(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** Settles the heap once, when `activity`, a count of events, has not changed for some seconds. */
export function settleHeapWhenQuiet(activity: () => number, timers: Timers = systemTimers, settle = settleHeap): void {
  let seen = activity()
  const timer = timers.every(CHECK_EVERY_MS, () => {
    const now = activity()
    if (now === seen) {
      timer.cancel()
      settle()
    }
    seen = now
  })
}

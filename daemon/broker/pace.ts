import type { Clock } from '../core/clock.ts'

const INTERVAL_MS = 1_000
/** Longer than the interval: what comes again and again is recent all the time. */
const RECENT_MS = 10_000

/** Lets one thing a second through for each name, and counts what it left out. */
export class Pace {
  private readonly clock: Clock
  private readonly maxNames: number
  private readonly names = new Map<string, { lastMs: number; suppressed: number }>()

  /** When more names are known, the oldest is forgotten: it may come one time too early. */
  constructor(clock: Clock, maxNames = 10_000) {
    this.clock = clock
    this.maxNames = maxNames
  }

  /** How many were left out since the last one that was let through; undefined if this one is left out, too. */
  take(name: string): number | undefined {
    const now = this.clock.monotonicMs()
    const known = this.names.get(name)
    if (known !== undefined && now - known.lastMs < INTERVAL_MS) {
      known.suppressed++
      return undefined
    }
    this.names.delete(name)
    this.names.set(name, { lastMs: now, suppressed: 0 })
    if (this.names.size > this.maxNames) {
      const [oldest] = this.names.keys()
      if (oldest !== undefined) this.names.delete(oldest)
    }
    return known?.suppressed ?? 0
  }

  /** Whether one of the name was let through within the last ten seconds. */
  isRecent(name: string): boolean {
    const known = this.names.get(name)
    return known !== undefined && this.clock.monotonicMs() - known.lastMs < RECENT_MS
  }
}

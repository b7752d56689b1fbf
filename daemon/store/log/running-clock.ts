import type { Clock } from '../../core/clock.ts'
import type { ClockReading } from './batch.ts'

/**
 * Running time: monotonic time summed over boots, in milliseconds since the store was made. Time while the daemon was down counts
 * only between two readings of a synchronised wall clock, or of the same boot's monotonic clock. Ages are measured in running time,
 * so that a step of the wall clock expires nothing.
 */
export class RunningClock {
  /** True while the wall clock is synchronised; the owner sets it. */
  synced: boolean
  private readonly clock: Clock
  private readonly origin: number

  constructor(clock: Clock, last: ClockReading, sameBoot: boolean, synced: boolean) {
    this.clock = clock
    this.synced = synced
    const monotonic = clock.monotonicMs()
    let away = 0
    if (sameBoot && monotonic >= last.monotonicMs) away = monotonic - last.monotonicMs
    else if (synced && last.synced) away = Math.max(0, clock.wallMs() - last.wallMs)
    this.origin = monotonic - last.runningMs - away
  }

  runningMs(): number {
    return this.clock.monotonicMs() - this.origin
  }

  wallMs(): number {
    return this.clock.wallMs()
  }

  read(): ClockReading {
    const monotonicMs = this.clock.monotonicMs()
    return { runningMs: monotonicMs - this.origin, monotonicMs, wallMs: this.clock.wallMs(), synced: this.synced }
  }
}

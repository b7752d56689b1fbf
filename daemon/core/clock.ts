/** Time as a port. Wall time may step; monotonic time never does. */
export interface Clock {
  /** Milliseconds since the Unix epoch, as the system believes it. */
  wallMs(): number
  /** Milliseconds of a clock that never steps; its origin means nothing. */
  monotonicMs(): number
}

/** `performance.now()` starts anew in every thread and process; the system's monotonic clock only at boot. */
const sinceBootMs = Number(process.hrtime.bigint()) / 1e6 - performance.now()

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => sinceBootMs + performance.now(),
}

/** A clock that tests move by hand. */
export class FakeClock implements Clock {
  private wall: number
  private monotonic = 0

  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.wall = wallMs
  }

  wallMs(): number {
    return this.wall
  }

  monotonicMs(): number {
    return this.monotonic
  }

  /** Time passes. */
  advance(ms: number): void {
    this.wall += ms
    this.monotonic += ms
  }

  /** Somebody sets the clock. */
  stepWall(ms: number): void {
    this.wall += ms
  }
}

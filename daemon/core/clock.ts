/** Port for time. Wall time may step; monotonic time never does. */
export interface Clock {
  /** Milliseconds since the Unix epoch, by the system's clock. */
  wallMs(): number
  /** Milliseconds of a clock that never steps; its origin is arbitrary. */
  monotonicMs(): number
}

/** `performance.now()` starts at 0 in every thread; times that threads exchange need an origin that they share, the boot. */
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

  /** Lets time pass, on both clocks. */
  advance(ms: number): void {
    this.wall += ms
    this.monotonic += ms
  }

  /** Steps the wall clock, as NTP or an operator does. */
  stepWall(ms: number): void {
    this.wall += ms
  }
}

/** Exponential delays with jitter: each is drawn between half of its step and all of it, and steps double up to `maxMs`. */
export class Backoff {
  private readonly minMs: number
  private readonly maxMs: number
  private readonly random: () => number
  private failures = 0

  constructor(minMs: number, maxMs: number, random: () => number = Math.random) {
    this.minMs = minMs
    this.maxMs = maxMs
    this.random = random
  }

  /** Counts one more failure and returns the delay before the next attempt. */
  nextDelayMs(): number {
    const step = Math.min(this.maxMs, this.minMs * 2 ** Math.min(this.failures, 30))
    this.failures++
    return step / 2 + (step / 2) * this.random()
  }

  /** An attempt has succeeded: the next failure starts with the shortest delay again. */
  reset(): void {
    this.failures = 0
  }

  get isFailing(): boolean {
    return this.failures > 0
  }
}

/** Exponential pauses with full jitter between half and all of each step, and a ceiling. */
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

  /** How long to wait after one more failure. */
  next(): number {
    const step = Math.min(this.maxMs, this.minMs * 2 ** Math.min(this.failures, 30))
    this.failures++
    return step / 2 + (step / 2) * this.random()
  }

  succeeded(): void {
    this.failures = 0
  }

  get failing(): boolean {
    return this.failures > 0
  }
}

/** All times below the first bound share a bucket, and so do all above the last. */
const MIN_MS = 0.05
const MAX_MS = 600_000
export const LATENCY_BUCKETS = 64
const INNER = LATENCY_BUCKETS - 2
const PER_LOG = INNER / Math.log(MAX_MS / MIN_MS)

/** An array on the heap: a typed array's memory outside of it is slow to make and collect, and thousands are made at a time. */
const NONE: readonly number[] = Array.from({ length: LATENCY_BUCKETS }, () => 0)

/** Index and count of each bucket that is not empty, one after the other: `[3, 17, 4, 1]`. */
export type LatencyJson = readonly number[]

/** The bucket of a time. It is looked up once for a message that is counted in several places. */
export function latencyBucket(ms: number): number {
  return ms >= MIN_MS ? Math.min(LATENCY_BUCKETS - 1, 1 + Math.floor(Math.log(ms / MIN_MS) * PER_LOG)) : 0
}

/** Latencies in 64 buckets, each 30 % wider than the one before. Percentiles are exact to 13.1 %. */
export class LatencyHistogram {
  private readonly counts = NONE.slice()
  private total = 0

  /** Reads the list that `toJson` makes, in this process or another. Anything else counts nothing. */
  static fromJson(json: unknown): LatencyHistogram {
    const histogram = new LatencyHistogram()
    if (!Array.isArray(json) || json.length > 2 * LATENCY_BUCKETS) return histogram
    const numbers: readonly unknown[] = json
    for (let at = 0; at + 1 < numbers.length; at += 2) {
      const [index, count] = [numbers[at], numbers[at + 1]]
      if (isCount(index) && index < LATENCY_BUCKETS && isCount(count)) histogram.addTo(index, count)
    }
    return histogram
  }

  get count(): number {
    return this.total
  }

  /** A negative time or NaN counts as the shortest. */
  add(ms: number, count = 1): void {
    this.addTo(latencyBucket(ms), count)
  }

  merge(other: LatencyHistogram): void {
    for (let index = 0; index < LATENCY_BUCKETS; index++) {
      const count = other.counts[index] ?? 0
      if (count > 0) this.addTo(index, count)
    }
  }

  /** Milliseconds within which the share `p` (0 to 1) of the messages was done; null without messages. */
  percentile(p: number): number | null {
    if (this.total === 0) return null
    const rank = Math.max(1, Math.ceil(p * this.total))
    let seen = 0
    for (let index = 0; index < LATENCY_BUCKETS; index++) {
      seen += this.counts[index] ?? 0
      if (seen >= rank) return valueOf(index)
    }
    return MAX_MS
  }

  toJson(): number[] {
    const json: number[] = []
    for (let index = 0; index < LATENCY_BUCKETS; index++) {
      const count = this.counts[index] ?? 0
      if (count > 0) json.push(index, count)
    }
    return json
  }

  /** Counts into a bucket of `latencyBucket`. */
  addTo(index: number, count: number): void {
    this.counts[index] = (this.counts[index] ?? 0) + count
    this.total += count
  }
}

/** The value in a bucket whose largest relative error is smallest: the harmonic mean of its bounds. */
function valueOf(index: number): number {
  if (index === 0) return MIN_MS
  if (index === LATENCY_BUCKETS - 1) return MAX_MS
  const from = MIN_MS * Math.exp((index - 1) / PER_LOG)
  const to = MIN_MS * Math.exp(index / PER_LOG)
  return (2 * from * to) / (from + to)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

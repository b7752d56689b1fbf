import { LATENCY_BUCKETS, LatencyHistogram } from './latency-histogram.ts'
import type { TallyCounts } from './tally-counts.ts'

/** Additions that are made together: one after the other, each would wait for its memory. */
const TOGETHER = 1_024
const FIRST_ROWS = 64

/**
 * What every message counts into when it is durable: bytes and latency of all tallies, in two pieces of memory. Thousands of
 * channels are counted in turn, and whatever has to be found for one of them costs more than counting.
 */
export class AcceptedTable {
  private bytes = new Float64Array(FIRST_ROWS)
  /** Of each row the buckets; they are taken every few seconds, long before 32 bits are full. */
  private buckets = new Uint32Array(FIRST_ROWS * LATENCY_BUCKETS)
  private rows = 0
  private readonly free: number[] = []
  private readonly waitingCells = new Uint32Array(TOGETHER)
  private readonly waitingBytes = new Uint32Array(TOGETHER)
  private waiting = 0

  /** A row of zeros. */
  open(): number {
    const row = this.free.pop() ?? this.rows++
    if (row === this.bytes.length) this.grow()
    return row
  }

  /** Somebody else may have the row from now on. */
  close(row: number): void {
    this.settle()
    this.bytes[row] = 0
    this.buckets.fill(0, row * LATENCY_BUCKETS, (row + 1) * LATENCY_BUCKETS)
    this.free.push(row)
  }

  /** A message became durable; `bucket`: the `latencyBucket` of the time since it was received. */
  add(row: number, bytes: number, bucket: number): void {
    if (this.waiting === TOGETHER) this.settle()
    const at = this.waiting++
    this.waitingCells[at] = row * LATENCY_BUCKETS + bucket
    this.waitingBytes[at] = bytes
  }

  /** Moves what a row has counted. */
  take(row: number, counts: TallyCounts): void {
    this.settle()
    counts.bytes += this.bytes[row] ?? 0
    this.bytes[row] = 0
    const first = row * LATENCY_BUCKETS
    for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
      const count = this.buckets[first + bucket] ?? 0
      if (count === 0) continue
      this.buckets[first + bucket] = 0
      counts.received += count
      counts.valid += count
      counts.durable ??= new LatencyHistogram()
      counts.durable.addTo(bucket, count)
    }
  }

  private settle(): void {
    const { bytes, buckets, waitingCells, waitingBytes, waiting } = this
    for (let at = 0; at < waiting; at++) {
      const cell = waitingCells[at] ?? 0
      const row = Math.floor(cell / LATENCY_BUCKETS)
      bytes[row] = (bytes[row] ?? 0) + (waitingBytes[at] ?? 0)
      buckets[cell] = (buckets[cell] ?? 0) + 1
    }
    this.waiting = 0
  }

  private grow(): void {
    const { bytes, buckets } = this
    this.bytes = new Float64Array(bytes.length * 2)
    this.bytes.set(bytes)
    this.buckets = new Uint32Array(buckets.length * 2)
    this.buckets.set(buckets)
  }
}

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
  /**
   * Of each bucket the rows: the latencies of a moment are much the same, so what is counted stands close together. Taken every few
   * seconds, long before 32 bits are full.
   */
  private buckets = new Uint32Array(FIRST_ROWS * LATENCY_BUCKETS)
  private rows = 0
  private readonly free: number[] = []
  private readonly waitingRows = new Uint32Array(TOGETHER)
  private readonly waitingBuckets = new Uint8Array(TOGETHER)
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
    for (let cell = row; cell < this.buckets.length; cell += this.bytes.length) this.buckets[cell] = 0
    this.free.push(row)
  }

  /** A message became durable; `bucket`: the `latencyBucket` of the time since it was received. */
  add(row: number, bytes: number, bucket: number): void {
    if (this.waiting === TOGETHER) this.settle()
    const at = this.waiting++
    this.waitingRows[at] = row
    this.waitingBuckets[at] = bucket
    this.waitingBytes[at] = bytes
  }

  /** Moves what a row has counted. */
  take(row: number, counts: TallyCounts): void {
    this.settle()
    counts.bytes += this.bytes[row] ?? 0
    this.bytes[row] = 0
    for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
      const cell = bucket * this.bytes.length + row
      const count = this.buckets[cell] ?? 0
      if (count === 0) continue
      this.buckets[cell] = 0
      counts.received += count
      counts.valid += count
      counts.durable ??= new LatencyHistogram()
      counts.durable.addTo(bucket, count)
    }
  }

  private settle(): void {
    const { bytes, buckets, waitingRows, waitingBuckets, waitingBytes, waiting } = this
    for (let at = 0; at < waiting; at++) {
      const row = waitingRows[at] ?? 0
      const cell = (waitingBuckets[at] ?? 0) * bytes.length + row
      bytes[row] = (bytes[row] ?? 0) + (waitingBytes[at] ?? 0)
      buckets[cell] = (buckets[cell] ?? 0) + 1
    }
    this.waiting = 0
  }

  private grow(): void {
    const { bytes, buckets } = this
    // Before the rows change their places.
    this.settle()
    this.bytes = new Float64Array(bytes.length * 2)
    this.bytes.set(bytes)
    this.buckets = new Uint32Array(buckets.length * 2)
    for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++)
      this.buckets.set(buckets.subarray(bucket * bytes.length, (bucket + 1) * bytes.length), bucket * this.bytes.length)
  }
}

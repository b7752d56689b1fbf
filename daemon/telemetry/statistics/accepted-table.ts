import { LATENCY_BUCKETS, LatencyHistogram } from './latency-histogram.ts'
import type { TallyCounts } from './tally-counts.ts'

/** Messages that are added together; one after the other, each addition would wait for memory (`channels: rate over rate`). */
const TOGETHER = 1_024
const FIRST_ROWS = 64

/**
 * Bytes and latencies of durable messages, a row for each tally, in two blocks of memory. With thousands of channels each message
 * meets another tally, and objects of its own would be cache misses (`channels: rate over rate`).
 */
export class AcceptedTable {
  private bytes = new Float64Array(FIRST_ROWS)
  /**
   * Bucket by bucket, each with a cell for every row: latencies of the same moment are alike, so their cells are close together. Moved
   * out every few seconds, long before 32 bits overflow.
   */
  private buckets = new Uint32Array(FIRST_ROWS * LATENCY_BUCKETS)
  private rows = 0
  private readonly free: number[] = []
  private readonly waitingRows = new Uint32Array(TOGETHER)
  private readonly waitingBuckets = new Uint8Array(TOGETHER)
  private readonly waitingBytes = new Uint32Array(TOGETHER)
  private waiting = 0

  /** Returns a row of zeros. */
  open(): number {
    const row = this.free.pop() ?? this.rows++
    if (row === this.bytes.length) this.grow()
    return row
  }

  /** Clears the row, which the next `open` may return. */
  close(row: number): void {
    this.addWaiting()
    this.bytes[row] = 0
    for (let cell = row; cell < this.buckets.length; cell += this.bytes.length) this.buckets[cell] = 0
    this.free.push(row)
  }

  /** Counts a durable message. `bucket`: the `latencyBucket` of the time since it was received. */
  add(row: number, bytes: number, bucket: number): void {
    if (this.waiting === TOGETHER) this.addWaiting()
    const at = this.waiting++
    this.waitingRows[at] = row
    this.waitingBuckets[at] = bucket
    this.waitingBytes[at] = bytes
  }

  /** Adds a row to `counts`, and sets it to zero. */
  moveInto(row: number, counts: TallyCounts): void {
    this.addWaiting()
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

  private addWaiting(): void {
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
    // Before the cells move.
    this.addWaiting()
    this.bytes = new Float64Array(bytes.length * 2)
    this.bytes.set(bytes)
    this.buckets = new Uint32Array(buckets.length * 2)
    for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++)
      this.buckets.set(buckets.subarray(bucket * bytes.length, (bucket + 1) * bytes.length), bucket * this.bytes.length)
  }
}

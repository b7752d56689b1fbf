/**
 * The sequence numbers that a destination has settled on one lane: all below `low`, and the ranges above it. Ranges include both
 * ends, ascend and never touch.
 */
export class SettledSet {
  low: number
  private readonly ranges: [number, number][]

  constructor(low: number, ranges: readonly (readonly [number, number])[] = []) {
    this.low = low
    this.ranges = ranges.map(([first, last]) => [first, last])
  }

  has(seq: number): boolean {
    if (seq < this.low) return true
    return this.ranges.some(([first, last]) => seq >= first && seq <= last)
  }

  /** Adds `first` to `last`, both included; numbers may be settled already. */
  add(first: number, last: number): void {
    if (last < this.low || last < first) return
    let from = Math.max(first, this.low)
    let to = last
    let index = this.ranges.findIndex((range) => range[1] >= from - 1)
    if (index === -1) index = this.ranges.length
    let taken = 0
    for (let next = this.ranges[index]; next !== undefined && next[0] <= to + 1; next = this.ranges[index + taken]) {
      from = Math.min(from, next[0])
      to = Math.max(to, next[1])
      taken++
    }
    this.ranges.splice(index, taken, [from, to])
    const lowest = this.ranges[0]
    if (lowest !== undefined && lowest[0] <= this.low) {
      this.low = lowest[1] + 1
      this.ranges.shift()
    }
  }

  get rangeCount(): number {
    return this.ranges.length
  }

  toRanges(): [number, number][] {
    return this.ranges.map(([first, last]) => [first, last])
  }
}

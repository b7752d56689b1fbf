/** The label that everything beyond the bound is counted under. */
export const OTHER = 'other'

/** One number that only grows. A caller may keep it, so that counting is one addition. */
export class Count {
  value = 0

  inc(by = 1): void {
    this.value += by
  }
}

/**
 * A count for each value of one label. Labels come from outside (topics, client ids), so their number is bounded; beyond the bound,
 * new labels share `other`, so that the total stays right.
 */
export class Counter {
  private readonly counts = new Map<string, Count>()
  private readonly maxLabels: number

  constructor(maxLabels = 200) {
    this.maxLabels = maxLabels
  }

  /** Always the same object for the same label, so that a caller may keep it. */
  of(label: string): Count {
    const known = this.counts.get(label)
    if (known !== undefined) return known
    if (this.counts.size >= this.maxLabels && label !== OTHER) return this.of(OTHER)
    const created = new Count()
    this.counts.set(label, created)
    return created
  }

  inc(label: string, by = 1): void {
    this.of(label).inc(by)
  }

  get total(): number {
    let sum = 0
    for (const count of this.counts.values()) sum += count.value
    return sum
  }

  *entries(): IterableIterator<[label: string, value: number]> {
    for (const [label, count] of this.counts) yield [label, count.value]
  }
}

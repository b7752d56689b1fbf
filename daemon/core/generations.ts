/**
 * A bounded cache of up to twice `capacity` entries: an approximate LRU of two generations. When the young one is full, the old one,
 * with all entries that were not used since, is dropped.
 */
export class Generations<Key, Value> {
  private readonly capacity: number
  private young = new Map<Key, Value>()
  private old = new Map<Key, Value>()

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get(key: Key): Value | undefined {
    const value = this.young.get(key)
    if (value !== undefined) return value
    const aged = this.old.get(key)
    if (aged !== undefined) this.set(key, aged)
    return aged
  }

  set(key: Key, value: Value): void {
    if (this.young.size >= this.capacity) {
      this.old = this.young
      this.young = new Map()
    }
    this.young.set(key, value)
  }
}

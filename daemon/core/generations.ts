/** A bounded map that forgets what has not been asked for lately: two generations, the older one dropped when the younger is full. */
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

/** Serialises work by key: work on one key runs in the order of the calls, work on different keys at the same time. */
export class KeyedTurns<Key> {
  private readonly last = new Map<Key, Promise<unknown>>()

  run<Value>(key: Key, work: () => Promise<Value>): Promise<Value> {
    const before = this.last.get(key) ?? Promise.resolve()
    const turn = before.then(work)
    const settled = turn.catch(() => undefined)
    this.last.set(key, settled)
    void settled.then(() => {
      if (this.last.get(key) === settled) this.last.delete(key)
    })
    return turn
  }

  /** Keys with unfinished work. */
  get size(): number {
    return this.last.size
  }
}

import { Turns } from './turns.ts'

/** Serialises work by key: work on one key runs in the order of the calls, work on different keys at the same time. */
export class KeyedTurns<Key> {
  private readonly byKey = new Map<Key, Turns>()

  run<Value>(key: Key, work: () => Promise<Value>): Promise<Value> {
    const turns = this.byKey.get(key) ?? new Turns()
    this.byKey.set(key, turns)
    const turn = turns.run(work)
    const forget = (): void => {
      if (turns.size === 0) this.byKey.delete(key)
    }
    turn.then(forget, forget)
    return turn
  }

  /** Keys with unfinished work. */
  get size(): number {
    return this.byKey.size
  }
}

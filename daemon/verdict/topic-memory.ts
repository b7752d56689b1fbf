import type { Trail } from '../ports/publication.ts'

/**
 * A bounded cache of topics. Publishers repeat their order of topics, so the cache remembers for each topic the one that came next,
 * and compares that first. Without it the bench's `channels` falls from 0.94 to 0.88 of one channel: a look-up by hash among ten
 * thousand topics waits four times for memory.
 */
export class TopicMemory<Known> {
  private readonly capacity: number
  /** Slots are numbered from 1; a trail begins at 0. */
  private readonly slots = new Map<string, number>()
  private readonly topics: (string | undefined)[] = [undefined]
  private readonly known: (Known | undefined)[] = [undefined]
  /** The successor of each slot. The slot may hold another topic by now, so its topic is compared. */
  private readonly next: Uint32Array
  /** Second-chance bits: set on use, cleared when the hand passes. */
  private readonly used: Uint8Array
  /** The clock hand of the second-chance eviction. */
  private hand = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.next = new Uint32Array(capacity + 1)
    this.used = new Uint8Array(capacity + 1)
  }

  /** @param trail of the one publisher of this message */
  get(topic: string, trail?: Trail): Known | undefined {
    if (trail === undefined) return this.at(this.slots.get(topic))
    let slot: number | undefined = this.next[trail.at] ?? 0
    if (this.topics[slot] !== topic) {
      slot = this.slots.get(topic)
      if (slot === undefined) return undefined
      this.next[trail.at] = slot
    }
    trail.at = slot
    return this.at(slot)
  }

  /** Evicts a topic that was not used lately when the cache is full. */
  set(topic: string, known: Known): void {
    let slot = this.slots.get(topic)
    if (slot === undefined) {
      slot = this.slots.size < this.capacity ? this.slots.size + 1 : this.vacate()
      this.slots.set(topic, slot)
      this.topics[slot] = topic
    }
    this.known[slot] = known
  }

  private at(slot: number | undefined): Known | undefined {
    if (slot === undefined) return undefined
    this.used[slot] = 1
    return this.known[slot]
  }

  private vacate(): number {
    for (;;) {
      this.hand = (this.hand % this.capacity) + 1
      if (this.used[this.hand] === 0) break
      this.used[this.hand] = 0
    }
    this.slots.delete(this.topics[this.hand] ?? '')
    return this.hand
  }
}

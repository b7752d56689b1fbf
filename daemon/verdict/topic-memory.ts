import type { Trail } from '../ports/publication.ts'

/**
 * What is known of the topics that were seen lately, a bounded number. Whoever publishes mostly goes on as it did the last time: a
 * device on its only topic, a controller from one point to the next. So the topic that came after each is remembered, and compared
 * first: finding one of ten thousand by its hash waits four times for memory.
 */
export class TopicMemory<Known> {
  private readonly capacity: number
  /** Slots are numbered from 1; 0 is where a trail begins. */
  private readonly slots = new Map<string, number>()
  private readonly topics: (string | undefined)[] = [undefined]
  private readonly known: (Known | undefined)[] = [undefined]
  /** Of each slot the one that came next. It may have been given to another topic since: it is compared. */
  private readonly next: Uint32Array
  /** Asked for since the hand was there. */
  private readonly used: Uint8Array
  /** Goes round to look for what nobody has asked for. */
  private hand = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.next = new Uint32Array(capacity + 1)
    this.used = new Uint8Array(capacity + 1)
  }

  /** `trail`: of whoever publishes on the topic, and no other one. */
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

  /** The least used one makes room. */
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

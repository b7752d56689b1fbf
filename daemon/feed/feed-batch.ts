import type { FeedBatch, FeedEvent } from '../ports/feed.ts'

/** Events for several readers. What is derived from them (a frame) is made once and shared. */
export class SharedBatch implements FeedBatch {
  readonly events: readonly FeedEvent[]
  private readonly made = new Map<string, unknown>()

  constructor(events: readonly FeedEvent[]) {
    this.events = events
  }

  once<Value>(name: string, make: (events: readonly FeedEvent[]) => Value): Value {
    if (!this.made.has(name)) this.made.set(name, make(this.events))
    return this.made.get(name) as Value
  }
}

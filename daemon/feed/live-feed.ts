import { randomUUID } from 'node:crypto'
import { inSlices } from '../core/in-slices.ts'
import type { Timers } from '../core/timers.ts'
import type {
  Feed,
  FeedConnection,
  FeedDeadLetter,
  FeedEvent,
  FeedFilter,
  FeedMessage,
  FeedReader,
  FeedRejection,
  FeedSubscription,
} from '../ports/feed.ts'
import { SharedBatch } from './feed-batch.ts'
import { FeedSubscriber, wants } from './feed-subscriber.ts'
import type { History } from './history.ts'

/** The more readers, the longer events are gathered, so that one write serves many. */
const MAX_FLUSH_MS = 50
const READERS_PER_MS = 20
/** Until a reader that waits for a commit looks again. */
const COMMIT_WAIT_MS = 20

/**
 * Distributes events to all readers: live ones from memory, missed messages from the log. A slow reader delays neither devices nor
 * other readers: it falls behind and catches up by itself.
 */
export class LiveFeed implements Feed {
  private readonly history: History
  private readonly lastSeq: () => number
  private readonly timers: Timers
  private readonly readers = new Set<FeedSubscriber>()
  private pending: FeedEvent[] = []
  private flushing = false
  private readonly behind: FeedSubscriber[] = []
  private catchingUp = false

  /** @param lastSeq the last sequence number that was given to a message, whether or not it is committed */
  constructor(history: History, lastSeq: () => number, timers: Timers) {
    this.history = history
    this.lastSeq = lastSeq
    this.timers = timers
  }

  /** Whether a reader is subscribed. Events are made only then. */
  get active(): boolean {
    return this.readers.size > 0
  }

  /** Current readers, and how many of them are catching up. */
  get counts(): { readers: number; behind: number } {
    const behind = [...this.readers].filter((one) => one.isBehind).length
    return { readers: this.readers.size, behind }
  }

  message(make: () => FeedMessage): void {
    this.add(() => ({ kind: 'message', event: make() }))
  }

  rejected(make: () => FeedRejection): void {
    this.add(() => ({ kind: 'rejected', event: make() }))
  }

  deadLetter(make: () => FeedDeadLetter): void {
    this.add(() => ({ kind: 'deadletter', event: make() }))
  }

  connection(make: () => FeedConnection): void {
    this.add(() => ({ kind: 'connection', event: make() }))
  }

  subscribe(filter: FeedFilter, from: string | null, reader: FeedReader): FeedSubscription {
    const subscriber = new FeedSubscriber(filter, reader)
    this.readers.add(subscriber)
    if (from !== null && filter.kinds.has('message')) this.begin(subscriber, from)
    return {
      id: randomUUID(),
      resume: () => this.resume(subscriber),
      close: () => void this.readers.delete(subscriber),
    }
  }

  private begin(subscriber: FeedSubscriber, from: string): void {
    const position = this.history.position(from)
    if (!position.known) return subscriber.reader.gap({ after: from, missed: null, reason: 'unknown-id' })
    subscriber.startAfter(position.seq, from, this.lastSeq())
    this.resume(subscriber)
  }

  private add(make: () => FeedEvent): void {
    if (!this.active) return
    this.pending.push(make())
    if (!this.flushing) this.schedule()
  }

  private schedule(): void {
    this.flushing = true
    const delayMs = Math.min(MAX_FLUSH_MS, Math.floor(this.readers.size / READERS_PER_MS))
    if (delayMs === 0) setImmediate(() => this.flush())
    else this.timers.after(delayMs, () => this.flush())
  }

  private flush(): void {
    const events = this.pending
    this.pending = []
    const batches = new Map<string, SharedBatch>()
    const due: [FeedSubscriber, SharedBatch][] = []
    for (const subscriber of this.readers) {
      const { key, filter } = subscriber
      let batch = batches.get(key)
      if (batch === undefined)
        batches.set(key, (batch = new SharedBatch(events.filter((event) => wants(filter, event)))))
      if (batch.events.length === 0) continue
      if (subscriber.isBehind) subscriber.miss(batch.events)
      else due.push([subscriber, batch])
    }
    inSlices(due, this.deliver, () => {
      if (this.pending.length > 0) this.schedule()
      else this.flushing = false
    })
  }

  private readonly deliver = ([subscriber, batch]: [FeedSubscriber, SharedBatch]): void => {
    if (!this.readers.has(subscriber)) return
    if (subscriber.reader.ready()) subscriber.take(batch)
    else subscriber.miss(batch.events)
  }

  private resume(subscriber: FeedSubscriber): void {
    if (!subscriber.isBehind || this.behind.includes(subscriber)) return
    this.behind.push(subscriber)
    if (this.catchingUp) return
    this.catchingUp = true
    setImmediate(() => this.catchUp())
  }

  /** One page for one reader at a time, so that devices are served in between. */
  private catchUp(): void {
    const subscriber = this.behind.shift()
    if (subscriber === undefined) {
      this.catchingUp = false
      return
    }
    if (this.readers.has(subscriber) && subscriber.reader.ready()) {
      const found = subscriber.catchUp(this.history)
      if (!found) this.timers.after(COMMIT_WAIT_MS, () => this.resume(subscriber))
      else if (subscriber.isBehind && subscriber.reader.ready()) this.behind.push(subscriber)
    }
    setImmediate(() => this.catchUp())
  }
}

import type { FeedBatch, FeedEvent, FeedFilter, FeedReader } from '../ports/feed.ts'
import { SharedBatch } from './feed-batch.ts'
import type { History } from './history.ts'

/** One reader of the feed: how far it has come, and whether it keeps up. */
export class FeedSubscriber {
  readonly filter: FeedFilter
  readonly reader: FeedReader
  /** The same for subscribers that want the same. */
  readonly key: string
  /** Messages up to this one are not for it any more; null until it has had one. */
  private after: number | null = null
  private lastId: string | null = null
  private behind = false
  /** Events that are not messages, which it will never get. */
  private missed = 0

  constructor(filter: FeedFilter, reader: FeedReader) {
    this.filter = filter
    this.reader = reader
    this.key = `${[...filter.kinds].sort().join()} ${filter.channelId ?? ''}`
  }

  get isBehind(): boolean {
    return this.behind
  }

  /** It begins behind a message of the past. */
  startAfter(seq: number, id: string): void {
    this.after = seq
    this.lastId = id
    this.behind = true
  }

  take(batch: FeedBatch): void {
    const { after } = this
    const fresh =
      after === null ? batch.events : batch.events.filter((one) => one.kind !== 'message' || one.event.seq > after)
    if (fresh.length === 0) return
    this.reader.take(fresh.length === batch.events.length ? batch : new SharedBatch(fresh))
    this.remember(fresh)
  }

  /** It does not get these, and is behind: messages will be found in the log; whatever else it wants is lost, and counted. */
  miss(wanted: readonly FeedEvent[]): void {
    this.behind = true
    for (const one of wanted) {
      if (one.kind === 'message') this.after ??= one.event.seq - 1
      else this.missed++
    }
  }

  /** Gives it a page of what it has missed; with the last one it is live again. */
  catchUp(history: History): void {
    if (this.missed > 0) {
      this.reader.gap({ after: this.lastId, missed: this.missed, reason: 'slow' })
      this.missed = 0
    }
    if (this.after === null || !this.filter.kinds.has('message')) {
      this.behind = false
      return
    }
    const page = history.page(this.after)
    if (page.missing > 0) this.reader.gap({ after: this.lastId, missed: page.missing, reason: 'expired' })
    const events = page.messages.map((event) => ({ kind: 'message', event }) as const)
    const wanted = events.filter((event) => wants(this.filter, event))
    if (wanted.length > 0) {
      this.reader.take(new SharedBatch(wanted))
      this.remember(wanted)
    }
    this.after = Math.max(this.after, page.lastSeq)
    this.behind = !page.atEnd
  }

  private remember(events: readonly FeedEvent[]): void {
    for (const one of events) {
      if (one.kind !== 'message') continue
      this.after = Math.max(this.after ?? 0, one.event.seq)
      this.lastId = one.event.id
    }
  }
}

export function wants({ kinds, channelId }: FeedFilter, { kind, event }: FeedEvent): boolean {
  if (!kinds.has(kind)) return false
  return channelId === undefined || !('channelIds' in event) || event.channelIds.includes(channelId)
}

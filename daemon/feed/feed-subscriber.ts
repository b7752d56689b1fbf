import type { FeedBatch, FeedEvent, FeedFilter, FeedReader } from '../ports/feed.ts'
import { SharedBatch } from './feed-batch.ts'
import type { History } from './history.ts'

/** The progress of one reader of the feed, and whether it keeps up. */
export class FeedSubscriber {
  readonly filter: FeedFilter
  readonly reader: FeedReader
  /** Equal for subscribers with equal filters. */
  readonly key: string
  /** Sequence number up to which messages are delivered or skipped; null before the first one. */
  private after: number | null = null
  private lastId: string | null = null
  /** Accepted before the reader came, so no live event is made of it: the log has to be read at least up to this one. */
  private until = 0
  private behind = false
  /** Events other than messages that were dropped while the reader was slow. */
  private missed = 0

  constructor(filter: FeedFilter, reader: FeedReader) {
    this.filter = filter
    this.reader = reader
    this.key = `${[...filter.kinds].sort().join()} ${filter.channelId ?? ''}`
  }

  get isBehind(): boolean {
    return this.behind
  }

  /**
   * Resumes behind a message of the past.
   *
   * @param until the last sequence number that was given to a message, whether or not it is committed
   */
  startAfter(seq: number, id: string, until: number): void {
    this.after = seq
    this.lastId = id
    this.until = until
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

  /** Skips events for a slow reader. Messages are read from the log later; other events are dropped and counted into a gap. */
  miss(wanted: readonly FeedEvent[]): void {
    this.behind = true
    for (const one of wanted) {
      if (one.kind === 'message') this.after ??= one.event.seq - 1
      else this.missed++
    }
  }

  /**
   * Delivers the next page of missed messages. After the last page the reader is live again.
   *
   * @returns false where the messages that are missing are not committed yet
   */
  catchUp(history: History): boolean {
    if (this.missed > 0) {
      this.reader.gap({ after: this.lastId, missed: this.missed, reason: 'slow' })
      this.missed = 0
    }
    if (this.after === null || !this.filter.kinds.has('message')) {
      this.behind = false
      return true
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
    this.behind = !page.atEnd || this.after < this.until
    return !page.atEnd || !this.behind
  }

  private remember(events: readonly FeedEvent[]): void {
    for (const one of events) {
      if (one.kind !== 'message') continue
      this.after = Math.max(this.after ?? 0, one.event.seq)
      this.lastId = one.event.id
    }
  }
}

/** Connections belong to no channel, so a filter by channel lets them pass. */
export function wants({ kinds, channelId }: FeedFilter, { kind, event }: FeedEvent): boolean {
  if (!kinds.has(kind)) return false
  return channelId === undefined || kind === 'connection' || event.channelIds.includes(channelId)
}

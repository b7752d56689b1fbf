import type { Writable } from 'node:stream'
import type { FeedSubscription } from '../../ports/feed.ts'

/** Above this, events wait in the log. One more batch may be in flight. */
const HIGH_WATER_BYTES = 256 * 1024
/** Heartbeats without progress after which a reader is cut off. */
const MAX_STALLED_ROUNDS = 2

/** Backpressure of one reader of the feed, by the buffer of its connection. */
export class ReaderPace {
  private readonly stream: Writable
  private subscription: FeedSubscription | undefined
  private stalledRounds = 0

  constructor(stream: Writable) {
    this.stream = stream
    stream.on('drain', () => {
      this.stalledRounds = 0
      this.subscription?.resume()
    })
  }

  /** Sets the subscription, which resumes whenever the buffer drains. */
  follow(subscription: FeedSubscription): void {
    this.subscription = subscription
    subscription.resume()
  }

  get hasRoom(): boolean {
    return !this.stream.destroyed && this.stream.writableLength < HIGH_WATER_BYTES
  }

  /** Call on each heartbeat. Returns true when the reader has stalled for too long. */
  isStalled(hasProgressed: boolean): boolean {
    if (!hasProgressed) this.stalledRounds++
    return this.stalledRounds >= MAX_STALLED_ROUNDS
  }

  /** True if a heartbeat has passed without progress. */
  get isSlow(): boolean {
    return this.stalledRounds > 0
  }
}

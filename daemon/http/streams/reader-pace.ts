import type { Writable } from 'node:stream'
import type { FeedSubscription } from '../../ports/feed.ts'

/** Beyond it events wait in the log. One batch more may be on its way. */
const HIGH_WATER_BYTES = 256 * 1024
/** A reader that takes nothing for so many rounds of the heartbeat is cut off. */
const MAX_STALLED_ROUNDS = 2

/** How a reader of the feed keeps up with what is written to its connection. */
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

  /** What it reads; it may have begun behind. */
  follow(subscription: FeedSubscription): void {
    this.subscription = subscription
    subscription.resume()
  }

  get hasRoom(): boolean {
    return !this.stream.destroyed && this.stream.writableLength < HIGH_WATER_BYTES
  }

  /** A round has passed, in which it took something or could not; whether that has been too long. */
  isStalled(tookSomething: boolean): boolean {
    if (!tookSomething) this.stalledRounds++
    return this.stalledRounds >= MAX_STALLED_ROUNDS
  }

  /** It did not take everything in the last rounds. */
  get isSlow(): boolean {
    return this.stalledRounds > 0
  }
}

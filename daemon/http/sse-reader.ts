import type { ServerResponse } from 'node:http'
import { messageEvent } from '../core/feed-json.ts'
import type { FeedBatch, FeedEvent, FeedGap, FeedReader, FeedSubscription } from '../core/feed.ts'

/** Beyond it events wait in the log. One batch more may be on its way. */
const HIGH_WATER_BYTES = 256 * 1024

/** One stream of server-sent events. */
export class SseReader implements FeedReader {
  subscription: FeedSubscription | undefined
  /** Rounds of the heartbeat in which nothing could be written. */
  stalledRounds = 0
  private readonly response: ServerResponse

  constructor(response: ServerResponse) {
    this.response = response
    response.on('drain', () => {
      this.stalledRounds = 0
      this.subscription?.resume()
    })
  }

  ready(): boolean {
    return !this.response.destroyed && this.response.writableLength < HIGH_WATER_BYTES
  }

  take(batch: FeedBatch): void {
    this.response.write(batch.once('sse', encode))
  }

  gap({ after, missed, reason }: FeedGap): void {
    this.response.write(`event: gap\ndata: ${JSON.stringify({ after, missed, reason })}\n\n`)
  }

  heartbeat(): void {
    if (this.response.writableLength === 0) this.response.write(': \n\n')
    else if (!this.ready()) this.stalledRounds++
  }

  end(): void {
    this.response.end()
  }

  cut(): void {
    this.response.destroy()
  }
}

function encode(events: readonly FeedEvent[]): Buffer {
  return Buffer.from(
    events
      .map(({ kind, event }) =>
        kind === 'message'
          ? `id: ${event.id}\nevent: message\ndata: ${messageEvent(event)}\n\n`
          : `event: ${kind}\ndata: ${JSON.stringify(event)}\n\n`,
      )
      .join(''),
  )
}

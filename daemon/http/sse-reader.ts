import type { ServerResponse } from 'node:http'
import { messageEvent } from '../core/feed-json.ts'
import type { FeedBatch, FeedEvent, FeedGap, FeedReader } from '../core/feed.ts'
import { ReaderPace } from './reader-pace.ts'

/** One stream of server-sent events. */
export class SseReader implements FeedReader {
  readonly pace: ReaderPace
  private readonly response: ServerResponse

  constructor(response: ServerResponse) {
    this.response = response
    this.pace = new ReaderPace(response)
  }

  ready(): boolean {
    return this.pace.hasRoom
  }

  take(batch: FeedBatch): void {
    this.response.write(batch.once('sse', encode))
  }

  gap({ after, missed, reason }: FeedGap): void {
    this.response.write(`event: gap\ndata: ${JSON.stringify({ after, missed, reason })}\n\n`)
  }

  /** Returns false for a reader that has taken nothing for too long. */
  beat(): boolean {
    const isIdle = this.response.writableLength === 0
    if (isIdle) this.response.write(': \n\n')
    return !this.pace.isStalled(isIdle || this.ready())
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

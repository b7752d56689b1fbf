import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { messageEvent } from '../../feed/feed-json.ts'
import type { FeedBatch, FeedEvent, FeedGap, FeedReader } from '../../ports/feed.ts'
import { ReaderPace } from './reader-pace.ts'

/** One client of a stream of server-sent events. */
export class SseReader implements FeedReader {
  readonly pace: ReaderPace
  private readonly response: ServerResponse
  private readonly socket: Socket
  /** True if events were sent since the last heartbeat; they replace it. */
  private hasTaken = false

  /** The head of the response must have been written. */
  constructor(response: ServerResponse, socket: Socket) {
    this.response = response
    this.socket = socket
    this.pace = new ReaderPace(socket)
  }

  ready(): boolean {
    return this.pace.hasRoom
  }

  /** Writes to the socket, because the response would frame the same bytes again for each reader. */
  take(batch: FeedBatch): void {
    this.hasTaken = true
    const bytes = batch.once('sse', encode)
    this.socket.write(this.response.chunkedEncoding ? batch.once('sse-chunk', () => chunkOf(bytes)) : bytes)
  }

  gap({ after, missed, reason }: FeedGap): void {
    this.response.write(`event: gap\ndata: ${JSON.stringify({ after, missed, reason })}\n\n`)
  }

  /** Sends a heartbeat. Returns false for a reader that has stalled for too long. */
  beat(): boolean {
    const isIdle = this.response.writableLength === 0
    if (isIdle && !this.hasTaken) this.response.write(': \n\n')
    this.hasTaken = false
    return !this.pace.isStalled(isIdle || this.ready())
  }

  end(): void {
    this.response.end()
  }

  cut(): void {
    this.response.destroy()
  }
}

/** A chunk of a body of unknown length (RFC 9112, section 7.1). */
function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
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

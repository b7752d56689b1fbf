import { EdgeError } from '../../core/errors.ts'
import { inSlices } from '../../core/in-slices.ts'
import { systemTimers, type Timer, type Timers } from '../../core/timers.ts'
import { FEED_KINDS, type Feed, type FeedKind } from '../../ports/feed.ts'
import { answers, input } from '../server/schemas.ts'
import type { Routes } from '../server/server.ts'
import { SseReader } from './sse-reader.ts'

export interface StreamRouteOptions {
  feed: Feed
  /** Throws `not-found`. */
  channel: (id: string) => unknown
  maxStreams?: number
  heartbeatMs?: number
  timers?: Timers
}

/** Streams and WebSockets together leave connections for requests. */
const MAX_STREAMS = 1_500
const HEARTBEAT_MS = 15_000
const RETRY_MS = 2_000

/** `GET /messages/stream`: the live feed as server-sent events. */
export class StreamRoute {
  /** Streams that were cut off because their readers stalled. */
  cutOff = 0
  private readonly options: StreamRouteOptions
  private readonly readers = new Set<SseReader>()
  private readonly heartbeat: Timer

  constructor(options: StreamRouteOptions) {
    this.options = options
    const { timers = systemTimers, heartbeatMs = HEARTBEAT_MS } = options
    this.heartbeat = timers.every(heartbeatMs, () => this.beat())
  }

  get count(): number {
    return this.readers.size
  }

  get routes(): Routes {
    return (app) => {
      app.get<{
        Querystring: { channel_id?: string; kind?: string; lastEventId?: string; ticket?: string }
        Headers: { 'last-event-id'?: string }
      }>(
        '/messages/stream',
        {
          config: { channel: 'query' },
          // A HEAD request would never end, either.
          exposeHeadRoute: false,
          schema: {
            summary: 'Server-sent events: message, rejected, deadletter, connection, and gap after missed events.',
            operationId: 'streamMessages',
            tags: ['messages'],
            querystring: input({
              channel_id: { type: 'string', minLength: 1, maxLength: 128 },
              kind: { type: 'string', pattern: `^(?:${FEED_KINDS.join('|')})(?:,(?:${FEED_KINDS.join('|')}))*$` },
              lastEventId: { type: 'string', maxLength: 256, description: 'The same as the header Last-Event-ID.' },
              ticket: { type: 'string', maxLength: 64 },
            }),
            response: answers(
              { 200: { description: 'Events.', content: { 'text/event-stream': { schema: { type: 'string' } } } } },
              404,
              429,
            ),
          },
        },
        (request, reply) => {
          const { channel_id: channelId, kind, lastEventId } = request.query
          if (channelId !== undefined) this.options.channel(channelId)
          const max = this.options.maxStreams ?? MAX_STREAMS
          if (this.readers.size >= max) throw new EdgeError('limit-reached', `${max} streams are open.`)
          const kinds = new Set(kind === undefined ? FEED_KINDS : (kind.split(',') as FeedKind[]))
          reply.hijack()
          const { raw } = reply
          raw.writeHead(200, {
            ...(reply.getHeaders() as Record<string, string>),
            'content-type': 'text/event-stream; charset=utf-8',
            'x-accel-buffering': 'no',
          })
          raw.write(`retry: ${RETRY_MS}\n\n`)
          const reader = new SseReader(raw, request.socket)
          this.readers.add(reader)
          const from = request.headers['last-event-id'] ?? lastEventId ?? null
          const filter = channelId === undefined ? { kinds } : { kinds, channelId }
          const subscription = this.options.feed.subscribe(filter, from === '' ? null : from, reader)
          reader.pace.follow(subscription)
          raw.on('close', () => {
            subscription.close()
            this.readers.delete(reader)
          })
        },
      )
      app.addHook('preClose', () => this.close())
    }
  }

  private close(): Promise<void> {
    this.heartbeat.cancel()
    for (const reader of this.readers) reader.end()
    return Promise.resolve()
  }

  private beat(): void {
    inSlices(this.readers, (reader) => {
      if (!this.readers.has(reader) || reader.beat()) return
      this.cutOff++
      reader.cut()
    })
  }
}

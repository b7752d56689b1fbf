import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { EdgeError } from '../../core/errors.ts'
import { parseJson } from '../../core/json.ts'
import { MessageRefused } from '../../core/refusal.ts'
import { messageFrame } from '../../feed/feed-json.ts'
import type { PublishAnswer, PublishRequest } from '../../operations/publishing.ts'
import type { FeedBatch, FeedGap, FeedReader } from '../../ports/feed.ts'
import type { Caller } from '../../ports/identity.ts'
import { ReaderPace } from './reader-pace.ts'

export interface WebSocketSessionOptions {
  channelId: string
  caller: Caller
  publish: (request: PublishRequest, caller: Caller) => Promise<PublishAnswer>
}

/** Unanswered publications after which reading is paused. */
const MAX_OUTSTANDING = 100

/** One client of `/ws/{channel_id}`: receives messages and sends publications. */
export class WebSocketSession implements FeedReader {
  readonly pace: ReaderPace
  private readonly socket: WebSocket
  private readonly stream: Duplex
  private readonly options: WebSocketSessionOptions
  /** Resolves when all earlier publications were answered, so that answers keep their order. */
  private answered: Promise<void> = Promise.resolve()
  private outstanding = 0
  private alive = true

  /** `stream` is the connection below the socket: frames that are the same for all readers are written to it directly. */
  constructor(socket: WebSocket, stream: Duplex, options: WebSocketSessionOptions) {
    this.socket = socket
    this.stream = stream
    this.options = options
    socket.on('message', (data: Buffer, isBinary) => this.receive(isBinary ? undefined : data.toString('utf8')))
    socket.on('pong', () => {
      this.alive = true
    })
    this.pace = new ReaderPace(stream)
  }

  ready(): boolean {
    return this.isOpen && this.pace.hasRoom
  }

  take(batch: FeedBatch): void {
    const frames = batch.once('websocket', (events) =>
      Buffer.concat(events.flatMap(({ kind, event }) => (kind === 'message' ? [textFrame(messageFrame(event))] : []))),
    )
    if (this.isOpen) this.stream.write(frames)
  }

  gap({ after, missed, reason }: FeedGap): void {
    this.send({ type: 'gap', after, missed, reason })
  }

  /** Pings the client, or ends it if it has not answered the last ping or has stalled. */
  beat(): void {
    const isStalled = this.pace.isStalled(this.ready())
    if (this.alive && !isStalled) {
      this.alive = false
      this.socket.ping()
      return
    }
    // 1013: try again later. Then cut, as the close frame waits behind the data that the client does not read.
    if (this.pace.isSlow) this.socket.close(1013, 'too slow')
    this.socket.terminate()
  }

  end(): void {
    this.socket.close(1001, 'the gateway is stopping')
  }

  cut(): void {
    this.socket.terminate()
  }

  private receive(text: string | undefined): void {
    this.outstanding++
    if (this.outstanding >= MAX_OUTSTANDING) this.socket.pause()
    const frame = parseFrame(text)
    const ref = frame?.['ref']
    const answer = this.publish(frame)
    // The rejection is handled below, when the turn of this answer comes.
    answer.catch(() => undefined)
    this.answered = this.answered.then(async () => {
      try {
        this.send({ type: 'ack', ...(ref === undefined ? {} : { ref }), ...(await answer) })
      } catch (error) {
        this.send({ type: 'error', ...(ref === undefined ? {} : { ref }), ...problemOf(error) })
      }
      this.outstanding--
      if (this.outstanding === MAX_OUTSTANDING / 2) this.socket.resume()
    })
  }

  private async publish(frame: Record<string, unknown> | undefined): Promise<{ id: string }> {
    if (frame === undefined) throw invalid('', 'A frame must be a JSON object, as text.')
    const { type, payload, payloadBase64, headers, parameters, message } = frame
    if (type !== 'publish') throw invalid('type', 'The only type that clients can send is publish.')
    if ((payload === undefined) === (payloadBase64 === undefined))
      throw invalid('payload', 'Give either payload or payloadBase64.')
    const { channelId, caller } = this.options
    const request: PublishRequest = {
      channel_id: channelId,
      payload,
      payloadBase64: textOf('payloadBase64', payloadBase64),
      headers: textsOf('headers', headers),
      parameters: textsOf('parameters', parameters),
      message: textOf('message', message),
    }
    const { id } = await this.options.publish(request, caller)
    return { id }
  }

  private send(value: object): void {
    if (this.isOpen) this.socket.send(JSON.stringify(value))
  }

  private get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN
  }
}

/** Returns undefined for a frame that is not a JSON object. */
function parseFrame(text: string | undefined): Record<string, unknown> | undefined {
  const value = text === undefined ? undefined : parseJson(text)
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Record<string, unknown>) : undefined
}

function textOf(field: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw invalid(field, `${field} must be a text.`)
}

function textsOf(field: string, value: unknown): Record<string, string> | undefined {
  if (value === undefined) return undefined
  const isTexts =
    typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string')
  if (isTexts) return value as Record<string, string>
  throw invalid(field, `${field} must be an object of texts.`)
}

function invalid(field: string, message: string): EdgeError {
  return new EdgeError('request-invalid', message, field === '' ? {} : { place: { field } })
}

function problemOf(error: unknown): object {
  if (!(error instanceof EdgeError))
    return { code: 'internal', detail: 'The gateway failed; its log says why.', errors: [] }
  const errors = error instanceof MessageRefused ? error.violations : []
  const { code, message: detail, hint } = error
  return { code, detail, hint, errors }
}

/** A text message as one unmasked frame (RFC 6455, section 5.2): the same bytes for every reader. */
function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const header = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(header + length)
  frame[0] = 0x81
  if (header === 2) frame[1] = length
  else if (header === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, header)
  return frame
}

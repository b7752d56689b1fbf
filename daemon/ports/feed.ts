/** Live events of the gateway: the types between the feed and its readers (Server-Sent Events, WebSocket, callbacks, the manager). */
import type { Violation } from '../core/message.ts'

export const FEED_KINDS = ['message', 'rejected', 'deadletter', 'connection'] as const
export type FeedKind = (typeof FEED_KINDS)[number]

/** A durable message. The payload is byte for byte as it was sent. */
export interface FeedMessage {
  /** `<gateway id>:<store id>:<seq>` */
  id: string
  seq: number
  topic: string
  clientId: string
  payload: Uint8Array
  /** Null if no document declares it. */
  contentType: string | null
  headers: Readonly<Record<string, string>>
  /** ISO 8601. */
  receivedAt: string
  /** Ids of its channels; empty for a topic that no document describes. */
  channelIds: readonly string[]
  /** `name@version` */
  document: string | null
  message: string | null
}

export interface FeedRejection {
  /** Number in the quarantine; null if it was not kept. */
  id: string | null
  topic: string
  clientId: string
  code: string
  errors: readonly Violation[]
  document: string | null
  message: string | null
  channelIds: readonly string[]
  at: string
}

export interface FeedDeadLetter {
  id: string
  destination: string
  /** `message-id` of the message. */
  messageId: string
  topic: string
  /** Ids of the channels in force that the topic matches. */
  channelIds: readonly string[]
  code: string
  answer: string
  at: string
}

export interface FeedConnection {
  /** An MQTT client or an upstream. */
  type: 'client' | 'upstream'
  name: string
  state: string
  address: string | null
  /** Last error of an upstream. */
  error: { code: string; message: string } | null
  at: string
}

export type FeedEvent =
  | { kind: 'message'; event: FeedMessage }
  | { kind: 'rejected'; event: FeedRejection }
  | { kind: 'deadletter'; event: FeedDeadLetter }
  | { kind: 'connection'; event: FeedConnection }

/** Events for several readers. What is made of them, such as the bytes of a frame, is made once and cached by name. */
export interface FeedBatch {
  readonly events: readonly FeedEvent[]
  /** The result of the first `make` under this name. */
  once<Value>(name: string, make: (events: readonly FeedEvent[]) => Value): Value
}

/** Messages that a reader misses, because they left the log or the reader was too slow. */
export interface FeedGap {
  /** Id of the last message before the gap; null if unknown. */
  after: string | null
  /** Number of missed messages; null if unknown. */
  missed: number | null
  reason: 'expired' | 'slow' | 'unknown-id'
}

export interface FeedReader {
  /** Events in order. Must not throw. */
  take(batch: FeedBatch): void
  /** Called in the order of events: later events are behind the gap. */
  gap(gap: FeedGap): void
  /** False while the reader is held by backpressure: messages then wait in the log, other events become a gap. */
  ready(): boolean
}

export interface FeedFilter {
  kinds: ReadonlySet<FeedKind>
  /** Only messages, rejections and dead letters of this channel. */
  channelId?: string
}

export interface FeedSubscription {
  readonly id: string
  /** To be called when the reader is ready again. */
  resume(): void
  close(): void
}

/** The live events of this gateway, preceded by past messages that are still in the log. */
export interface Feed {
  /**
   * @param from id of the last message that the reader has: later messages in the log come first. Null starts with live events.
   */
  subscribe(filter: FeedFilter, from: string | null, reader: FeedReader): FeedSubscription
}

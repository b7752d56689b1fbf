/**
 * What happens in the gateway, as its watchers see it: the types between the feed (pipeline) and those who send it on
 * (Server-Sent Events, WebSocket, callbacks, the manager).
 */
import type { Violation } from '../core/message.ts'

export const FEED_KINDS = ['message', 'rejected', 'deadletter', 'connection'] as const
export type FeedKind = (typeof FEED_KINDS)[number]

/** A message that is durable. The payload stands as the device sent it. */
export interface FeedMessage {
  /** `<gateway id>:<store id>:<seq>` */
  id: string
  seq: number
  topic: string
  clientId: string
  payload: Uint8Array
  /** Null where no document says it. */
  contentType: string | null
  headers: Readonly<Record<string, string>>
  /** ISO 8601. */
  receivedAt: string
  /** Ids of the channels that it belongs to; none for a topic that no document describes. */
  channelIds: readonly string[]
  /** `name@version` */
  document: string | null
  message: string | null
}

export interface FeedRejection {
  /** Number in the quarantine; null where it is not kept. */
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
  /** message-id of the message. */
  messageId: string
  topic: string
  /** Ids of the channels in force that the topic matches. */
  channelIds: readonly string[]
  code: string
  answer: string
  at: string
}

export interface FeedConnection {
  /** mqtt-client, upstream. */
  type: 'client' | 'upstream'
  name: string
  state: string
  address: string | null
  /** Code and words of the last error, for an upstream. */
  error: { code: string; message: string } | null
  at: string
}

export type FeedEvent =
  | { kind: 'message'; event: FeedMessage }
  | { kind: 'rejected'; event: FeedRejection }
  | { kind: 'deadletter'; event: FeedDeadLetter }
  | { kind: 'connection'; event: FeedConnection }

/** Events that go to several readers at once: whatever is made of them (bytes of a frame) is made once and kept by name. */
export interface FeedBatch {
  readonly events: readonly FeedEvent[]
  /** The value that `make` gave the first time for this name. */
  once<Value>(name: string, make: (events: readonly FeedEvent[]) => Value): Value
}

/** Messages that a reader will not get: they left the log, or the reader was too slow. */
export interface FeedGap {
  /** Id of the last message before the gap, as the reader named it or was given it; null if unknown. */
  after: string | null
  /** How many, where that is known. */
  missed: number | null
  reason: 'expired' | 'slow' | 'unknown-id'
}

export interface FeedReader {
  /** Events in order. Must not throw. */
  take(batch: FeedBatch): void
  /** Comes in the order of the events: what follows is behind the gap. */
  gap(gap: FeedGap): void
  /** Whether it takes more now. While false, events wait in the log (messages) or are dropped and counted into a gap. */
  ready(): boolean
}

export interface FeedFilter {
  kinds: ReadonlySet<FeedKind>
  /** Only messages, rejections and dead letters of this channel. */
  channelId?: string
}

export interface FeedSubscription {
  readonly id: string
  /** The reader is ready again. */
  resume(): void
  close(): void
}

/** The live events of this gateway, and of the past what the log still has. */
export interface Feed {
  /**
   * @param from id of the last message that the reader has: what the log still holds behind it comes first; null begins now.
   */
  subscribe(filter: FeedFilter, from: string | null, reader: FeedReader): FeedSubscription
}

import type { FeedMessage } from './feed.ts'

/** Outcome of one POST to a callback URL. `gone`: the receiver wants no more messages (410, RFC 9110, 15.5.11). */
export type CallbackResult = { delivered: true } | { delivered: false; gone: boolean; reason: string }

/** One attempt to deliver a message to a callback. */
export interface CallbackAttempt {
  event: FeedMessage
  channelId: string
  url: string
  result: CallbackResult
  /** Milliseconds until the response. */
  tookMs: number
}

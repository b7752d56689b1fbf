import type { FeedMessage } from './feed.ts'

/** Outcome of one POST to a callback URL. `gone`: the receiver answered that it wants no more (410). */
export type CallbackResult = { delivered: true } | { delivered: false; gone: boolean; reason: string }

/** One attempt to hand a message to a callback. */
export interface CallbackAttempt {
  event: FeedMessage
  channelId: string
  url: string
  result: CallbackResult
  /** Milliseconds to the answer. */
  tookMs: number
}

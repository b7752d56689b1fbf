import type { ErrorCode } from '../core/errors.ts'
import type { Violation } from '../core/message.ts'
import { MessageRefused } from '../core/refusal.ts'
import type { MessagePlan } from './channel-plans.ts'
import type { ActiveChannel } from './compiled-document.ts'

/** The message is stored and forwarded: valid, or marked invalid because its document says `tag` or `pass`. */
export interface Passed extends MessagePlan {
  verdict: 'pass'
  /** A device publishes on a channel that only the application sends on. */
  wrongDirection: boolean
  /** Errors of an invalid message that is forwarded with them (`onInvalid: tag`). */
  tagged: readonly Violation[] | undefined
}

export interface RefusedMessage {
  verdict: 'refuse'
  code: ErrorCode
  errors: readonly Violation[]
  document: string | null
  message: string | null
  disconnect: boolean
  /** The channel that it was judged by; undefined where no channel matches. */
  channel: ActiveChannel | undefined
}

export type Judgement = Passed | RefusedMessage

/** Turns a refusal into the error that API publishers see. */
export function refusalOf({ code, errors, document, message }: RefusedMessage): MessageRefused {
  return new MessageRefused(code, errors, document, message)
}

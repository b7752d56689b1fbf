import type { Clock } from '../core/clock.ts'
import { escapeUnseen } from '../core/escape-text.ts'
import type { Violation } from '../core/message.ts'
import { Pace } from './pace.ts'
import { clientTopic } from './topic-rules.ts'

/** The notice that the sender of a refused message gets. */
export interface Rejection {
  id: string | null
  topic: string
  packetId: number | null
  code: string
  errors: readonly Violation[]
  document: string | null
  message: string | null
  at: string
}

/** Publishes notices of refused messages to their senders, at most one a second each; the next one counts those left out. */
export class RejectionNotices {
  private readonly send: (topic: string, payload: string) => void
  private readonly trace: (clientId: string, code: string, topic: string) => void
  private readonly pace: Pace

  constructor(
    clock: Clock,
    trace: (clientId: string, code: string, topic: string) => void,
    send: (topic: string, payload: string) => void,
  ) {
    this.trace = trace
    this.send = send
    this.pace = new Pace(clock)
  }

  announce(clientId: string, rejection: Rejection): void {
    this.trace(clientId, rejection.code, rejection.topic)
    const suppressed = this.pace.take(clientId)
    if (suppressed === undefined) return
    this.send(`${clientTopic(clientId)}/rejected`, escapeUnseen(JSON.stringify({ ...rejection, suppressed })))
  }
}

import type { Clock } from '../core/clock.ts'
import type { Violation } from '../core/message.ts'
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

const INTERVAL_MS = 1_000
/** Clients whose last notice is remembered. When the oldest is forgotten, its client may get one notice too early. */
const MAX_CLIENTS = 10_000

interface Pace {
  lastMs: number
  suppressed: number
}

/** Publishes notices of refused messages to their senders, at most one a second each; the next one counts those left out. */
export class RejectionNotices {
  private readonly clock: Clock
  private readonly send: (topic: string, payload: string) => void
  private readonly paces = new Map<string, Pace>()

  constructor(clock: Clock, send: (topic: string, payload: string) => void) {
    this.clock = clock
    this.send = send
  }

  announce(clientId: string, rejection: Rejection): void {
    const now = this.clock.monotonicMs()
    const pace = this.paces.get(clientId)
    if (pace !== undefined && now - pace.lastMs < INTERVAL_MS) {
      pace.suppressed++
      return
    }
    this.paces.delete(clientId)
    this.paces.set(clientId, { lastMs: now, suppressed: 0 })
    if (this.paces.size > MAX_CLIENTS) {
      const [oldest] = this.paces.keys()
      if (oldest !== undefined) this.paces.delete(oldest)
    }
    this.send(`${clientTopic(clientId)}/rejected`, JSON.stringify({ ...rejection, suppressed: pace?.suppressed ?? 0 }))
  }
}

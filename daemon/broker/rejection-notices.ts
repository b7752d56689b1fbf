import type { Clock } from '../core/clock.ts'
import type { Violation } from '../core/message.ts'
import { clientTopic } from './topic-rules.ts'

/** Why a message was refused, as its sender is told. */
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
/** Clients whose last notice is remembered; beyond, the oldest is forgotten, which at worst lets one notice more through. */
const MAX_CLIENTS = 10_000

interface Pace {
  lastMs: number
  suppressed: number
}

/** Tells clients why their messages were refused, at most once a second each; the next notice says how many were left out. */
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

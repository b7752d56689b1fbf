import { createHash, randomBytes } from 'node:crypto'
import type { Caller } from '../ports/identity.ts'

interface Ticket {
  path: string
  caller: Caller
  expiresMs: number
}

const LIFE_MS = 30_000
const MAX_TICKETS = 10_000

/**
 * Tickets for browsers, which cannot send a key with a WebSocket or an event stream. Each is good for one use of one path within 30 s.
 * Only hashes are kept.
 */
export class TicketStore {
  private readonly nowMs: () => number
  private readonly tickets = new Map<string, Ticket>()

  /** `nowMs`: a monotonic clock. */
  constructor(nowMs: () => number) {
    this.nowMs = nowMs
  }

  /** Returns undefined while too many tickets are valid. */
  issue(path: string, caller: Caller): { ticket: string; lifeMs: number } | undefined {
    this.removeExpired()
    if (this.tickets.size >= MAX_TICKETS) return undefined
    const ticket = randomBytes(24).toString('base64url')
    this.tickets.set(hash(ticket), { path, caller, expiresMs: this.nowMs() + LIFE_MS })
    return { ticket, lifeMs: LIFE_MS }
  }

  /** Returns the ticket's caller. The ticket is used up, whether or not it is good for this path. */
  redeem(ticket: string, path: string): Caller | undefined {
    const key = hash(ticket)
    const found = this.tickets.get(key)
    this.tickets.delete(key)
    return found !== undefined && found.path === path && found.expiresMs > this.nowMs() ? found.caller : undefined
  }

  private removeExpired(): void {
    // In the order of issue, which is the order of expiry.
    for (const [key, { expiresMs }] of this.tickets) {
      if (expiresMs > this.nowMs()) return
      this.tickets.delete(key)
    }
  }
}

function hash(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64url')
}

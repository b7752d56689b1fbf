import type { Client } from 'aedes'
import type { Clock } from '../core/clock.ts'

const MAX_HELD_MS = 10_000
const LOOK_EVERY_MS = 250

interface Held {
  count: number
  sinceMs: number
}

/**
 * Clients that wait for an acknowledgement. While the store takes nothing, one that has waited 10 s, or half its keep-alive, is
 * closed without its will: it resends when it comes back, and its keep-alive timer, which does not run on while it is held,
 * would otherwise end it with its will.
 */
export class HeldClients {
  private readonly clock: Clock
  private readonly held = new Map<Client, Held>()
  private readonly timer: NodeJS.Timeout
  /** Connections closed because the store took nothing. */
  closed = 0

  constructor(clock: Clock, isFull: () => boolean) {
    this.clock = clock
    this.timer = setInterval(() => {
      if (isFull()) this.closeOverdue()
    }, LOOK_EVERY_MS).unref()
  }

  hold(client: Client): void {
    const held = this.held.get(client)
    if (held === undefined) this.held.set(client, { count: 1, sinceMs: this.clock.monotonicMs() })
    else held.count++
  }

  release(client: Client): void {
    const held = this.held.get(client)
    if (held === undefined) return
    if (--held.count === 0) this.held.delete(client)
    else held.sinceMs = this.clock.monotonicMs()
  }

  stop(): void {
    clearInterval(this.timer)
  }

  private closeOverdue(): void {
    const now = this.clock.monotonicMs()
    for (const [client, held] of this.held) {
      const keepAliveMs = keepAliveOf(client)
      const limit = keepAliveMs > 0 ? Math.min(MAX_HELD_MS, keepAliveMs / 2) : MAX_HELD_MS
      if (now - held.sinceMs < limit) continue
      this.held.delete(client)
      this.closed++
      closeWithoutWill(client)
    }
  }
}

/** Ends a connection as if the network had, but publishes no will. */
export function closeWithoutWill(client: Client): void {
  Object.assign(client, { will: null })
  client.conn.destroy()
}

/** Aedes keeps 1.5 times the negotiated keep-alive [MQTT-3.1.2-24]. */
function keepAliveOf(client: Client): number {
  const interval: unknown = Reflect.get(client, '_keepaliveInterval')
  return typeof interval === 'number' && interval > 0 ? interval / 1.5 : 0
}

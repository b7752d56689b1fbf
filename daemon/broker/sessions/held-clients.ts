import type { Client } from 'aedes'
import type { Clock } from '../../core/clock.ts'
import { stateOf } from './client-state.ts'

const MAX_HELD_MS = 10_000
const LOOK_EVERY_MS = 250

/**
 * Clients that wait for an acknowledgement. While the store takes nothing, one that has waited 10 s, or half its keep-alive, is
 * closed without its will: it resends when it comes back, and its keep-alive timer, which does not run on while it is held,
 * would otherwise end it with its will.
 */
export class HeldClients {
  private readonly clock: Clock
  private readonly held = new Set<Client>()
  private readonly timer: NodeJS.Timeout
  /** Connections closed because the store took nothing. */
  closed = 0

  constructor(clock: Clock, isFull: () => boolean) {
    this.clock = clock
    this.timer = setInterval(() => this.look(isFull()), LOOK_EVERY_MS).unref()
  }

  /** Another message of the client waits. Returns the bytes of all that do. */
  hold(client: Client, bytes: number): number {
    const state = stateOf(client)
    if (state.waiting++ === 0) {
      state.sinceMs = this.clock.monotonicMs()
      state.moves = false
      this.held.add(client)
    }
    state.waitingBytes += bytes
    return state.waitingBytes
  }

  /** A message that was held is answered. */
  release(client: Client, bytes: number): void {
    const state = stateOf(client)
    state.waitingBytes -= bytes
    state.moves = true
    if (--state.waiting === 0) this.held.delete(client)
  }

  stop(): void {
    clearInterval(this.timer)
  }

  private look(isFull: boolean): void {
    const now = this.clock.monotonicMs()
    for (const client of this.held) {
      const state = stateOf(client)
      if (state.moves) state.sinceMs = now
      state.moves = false
      if (isFull && now - state.sinceMs >= limitOf(client)) this.closeOverdue(client)
    }
  }

  private closeOverdue(client: Client): void {
    this.held.delete(client)
    this.closed++
    closeWithoutWill(client)
  }
}

function limitOf(client: Client): number {
  const keepAliveMs = keepAliveOf(client)
  return keepAliveMs > 0 ? Math.min(MAX_HELD_MS, keepAliveMs / 2) : MAX_HELD_MS
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

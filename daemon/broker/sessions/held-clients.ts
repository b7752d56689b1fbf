import type { Clock } from '../../core/clock.ts'
import type { Timer, Timers } from '../../core/timers.ts'
import type { ClientState } from './client-state.ts'

const MAX_HELD_MS = 10_000
const CHECK_EVERY_MS = 250

/**
 * Clients with messages that wait for the store. While it is full, a client that has waited for an acknowledgement for 10 s, or half
 * its keep-alive, is closed without its will. It resends when it reconnects [MQTT-4.4.0-1]; left connected, it would be closed with
 * its will, because nothing is read from a held client and so its keep-alive timer is not restarted. A client that waits for no
 * acknowledgement (QoS 0) is read from again instead.
 */
export class HeldClients {
  private readonly clock: Clock
  private readonly held = new Set<ClientState>()
  private readonly timer: Timer
  /** Connections closed because the store was full. */
  closed = 0

  constructor(clock: Clock, timers: Timers, isFull: () => boolean) {
    this.clock = clock
    this.timer = timers.every(CHECK_EVERY_MS, () => this.check(isFull()))
  }

  /** Holds one more message of the client. Returns the bytes of all its held messages. */
  hold(client: ClientState, bytes: number, qos: 0 | 1 | 2): number {
    if (client.waiting++ === 0) this.held.add(client)
    const waits = qos > 0 ? client.waitingAcks++ : client.waiting - 1
    if (waits === 0) {
      client.progressedAtMs = this.clock.monotonicMs()
      client.progressed = false
    }
    client.waitingBytes += bytes
    return client.waitingBytes
  }

  /** The store has answered for a message that was held. Its bytes count until `free`. */
  answered(client: ClientState, qos: 0 | 1 | 2): void {
    if (qos > 0) client.waitingAcks--
    // What is dropped is no progress for what waits to be acknowledged.
    if (qos > 0 || client.waitingAcks === 0) client.progressed = true
    if (--client.waiting === 0) this.held.delete(client)
  }

  /** The message needs no more memory. */
  free(client: ClientState, bytes: number): void {
    client.waitingBytes -= bytes
  }

  stop(): void {
    this.timer.cancel()
  }

  private check(isFull: boolean): void {
    const now = this.clock.monotonicMs()
    for (const client of this.held) {
      if (client.progressed) client.progressedAtMs = now
      client.progressed = false
      if (!isFull || now - client.progressedAtMs < maxHeldMs(client)) continue
      if (client.waitingAcks === 0) {
        client.readOn()
        continue
      }
      this.held.delete(client)
      this.closed++
      client.closeWithoutWill('store-full')
    }
  }
}

function maxHeldMs(client: ClientState): number {
  const keepAliveMs = client.keepAliveMs()
  return keepAliveMs > 0 ? Math.min(MAX_HELD_MS, keepAliveMs / 2) : MAX_HELD_MS
}

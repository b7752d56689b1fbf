import type { ConnectedClient } from '../broker/listeners/broker-connection.ts'
import type { Timer, Timers } from '../core/timers.ts'
import type { LiveFeed } from '../feed/live-feed.ts'
import type { DestinationStatus } from '../forward/forwarder-messages.ts'
import type { DeadLetterReader } from '../store/tables/dead-letters.ts'

export interface GatewayEventsOptions {
  feed: LiveFeed
  destinations: () => readonly DestinationStatus[]
  deadLetters: Pick<DeadLetterReader, 'after' | 'lastId'>
  wallMs: () => number
  timers: Timers
}

const LOOK_EVERY_MS = 500
const LETTERS_AT_ONCE = 100

/** Tells the feed what happens on other threads: upstreams that change their state, messages that they refuse for good. */
export class GatewayEvents {
  private readonly options: GatewayEventsOptions
  private readonly states = new Map<string, string>()
  private readonly timer: Timer
  private lastLetter: number
  private letters = 0

  constructor(options: GatewayEventsOptions) {
    this.options = options
    this.lastLetter = options.deadLetters.lastId()
    this.timer = options.timers.every(LOOK_EVERY_MS, () => this.look())
  }

  client({ clientId, address }: ConnectedClient, state: 'connected' | 'disconnected'): void {
    this.options.feed.connection(() => ({
      type: 'client',
      name: clientId,
      state,
      address,
      error: null,
      at: this.now(),
    }))
  }

  stop(): void {
    this.timer.cancel()
  }

  private look(): void {
    const destinations = this.options.destinations()
    for (const one of destinations) this.state(one)
    const letters = destinations.reduce((sum, one) => sum + one.deadLettered, 0)
    if (letters === this.letters) return
    const rows = this.options.deadLetters.after(this.lastLetter, LETTERS_AT_ONCE)
    // There may be more of them, or they are not committed yet: then the next look finds them.
    if (rows.length === 0) this.letters = letters
    for (const { id, destination, message_id: messageId, topic, code, answer, wall_ms: at } of rows) {
      this.lastLetter = id
      this.options.feed.deadLetter(() => ({
        id: String(id),
        destination,
        messageId,
        topic,
        code,
        answer,
        at: new Date(at).toISOString(),
      }))
    }
  }

  private state({ name, state, lastError }: DestinationStatus): void {
    if (this.states.get(name) === state) return
    this.states.set(name, state)
    const error = lastError === null ? null : { code: lastError.code, message: lastError.message }
    this.options.feed.connection(() => ({ type: 'upstream', name, state, address: null, error, at: this.now() }))
  }

  private now(): string {
    return new Date(this.options.wallMs()).toISOString()
  }
}

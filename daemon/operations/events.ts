import type { ConnectedClient } from '../broker/listeners/broker-connection.ts'
import type { Timer, Timers } from '../core/timers.ts'
import type { LiveFeed } from '../feed/live-feed.ts'
import type { DestinationStatus } from '../forward/forwarder-messages.ts'
import type { DeadLetterReader } from '../store/tables/dead-letters.ts'

export interface GatewayEventsOptions {
  feed: Pick<LiveFeed, 'connection' | 'deadLetter'>
  destinations: () => readonly DestinationStatus[]
  deadLetters: Pick<DeadLetterReader, 'after' | 'lastId'>
  /** Ids of the channels in force that a topic matches. */
  channelIds: (topic: string) => readonly string[]
  wallMs: () => number
  timers: Timers
}

const LOOK_EVERY_MS = 500
const LETTERS_AT_ONCE = 100

/** Publishes connections of clients, states of upstreams and new dead letters to the live feed. */
export class GatewayEvents {
  private readonly options: GatewayEventsOptions
  private readonly states = new Map<string, string>()
  private readonly timer: Timer
  private lastLetter: number

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
    // From the table, not from the counts of the forwarder, which run ahead of the commit.
    const rows = this.options.deadLetters.after(this.lastLetter, LETTERS_AT_ONCE)
    for (const { id, destination, message_id: messageId, topic, code, answer, wall_ms: at } of rows) {
      this.lastLetter = id
      this.options.feed.deadLetter(() => ({
        id: String(id),
        destination,
        messageId,
        topic,
        channelIds: this.options.channelIds(topic),
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

import { EdgeError } from '../../daemon/core/errors.ts'
import type { Timers } from '../../daemon/core/timers.ts'
import { ACCEPTED, type OutgoingAdapter, type OutgoingMessage, type Outcome } from '../../daemon/protocols/adapter.ts'
import { kept, rejected } from '../forward/fake-adapter.ts'
import type { Random } from './random.ts'

export const DESTINATIONS = ['north', 'east', 'south', 'west'] as const
/** Every target of a message at one destination has an address of its own. */
export const ADDRESSES = ['alpha', 'beta', 'gamma'] as const
/** Of every simulated upstream; a server that answers later has kept all it was sent, as far as the gateway knows. */
export const DEADLINE_MS = 1_000

/** `mute`: takes what it is sent, or does not, and answers too late. */
export type Mood = 'up' | 'down' | 'refusing' | 'mute'
export type RouteState = 'open' | 'missing' | 'forbidden'

/** The forwarder that an adapter belongs to. What a dead one has outstanding is never answered. */
export interface Life {
  isAlive: boolean
}

/** What the servers tell about one message for one target; `isConfirmed`: the answer said so in time. */
export interface Arrival {
  destination: string
  address: string
  n: number
  orderKey: string
  isReplayed: boolean
  isConfirmed: boolean
  /** Restarts of the destination's loop when its connection was opened: what the loop before had not settled may come again. */
  restarts: number
}

interface Server {
  mood: Mood
  routes: Map<string, RouteState>
  /** Probability that a message is refused for good. */
  refusals: number
  /** The adapter that is connected. */
  owner: ServerAdapter | undefined
  restarts: number
}

/** The destinations of a simulation: answers at random within their moods, and notes every message that they take. */
export class SimulatedServers {
  readonly arrivals: Arrival[] = []
  /** Deliveries that were refused at least once, as `<destination> <n> <address>`. */
  readonly refused = new Set<string>()
  readonly faults: string[] = []
  private readonly servers = new Map<string, Server>()
  private readonly random: Random
  private readonly timers: Timers

  constructor(random: Random, timers: Timers) {
    this.random = random
    this.timers = timers
    for (const name of DESTINATIONS)
      this.servers.set(name, { mood: 'up', routes: new Map(), refusals: 0.02, owner: undefined, restarts: 0 })
  }

  setMood(name: string, mood: Mood): void {
    this.server(name).mood = mood
  }

  setRoute(name: string, address: string, state: RouteState): void {
    this.server(name).routes.set(address, state)
  }

  /** The loop of a destination, or of all, begins anew. */
  restarted(names: readonly string[] = DESTINATIONS): void {
    for (const name of names) this.server(name).restarts++
  }

  restartsOf(name: string): number {
    return this.server(name).restarts
  }

  heal(): void {
    for (const server of this.servers.values()) {
      server.mood = 'up'
      server.refusals = 0
      server.routes.clear()
    }
  }

  async connect(name: string, life: Life): Promise<OutgoingAdapter> {
    const server = this.server(name)
    const { restarts } = server
    await this.delay(this.random.integer(1, 20), life)
    if (server.mood === 'down') throw new EdgeError('upstream-unreachable', `${name} is down`)
    if (server.owner?.life.isAlive === true) this.faults.push(`${name} has two connections at once`)
    server.owner = new ServerAdapter(this, name, life, restarts)
    return server.owner
  }

  disconnect(name: string, adapter: ServerAdapter): void {
    const server = this.server(name)
    if (server.owner === adapter) server.owner = undefined
  }

  async publish({ name, life, restarts }: ServerAdapter, messages: readonly OutgoingMessage[]): Promise<Outcome[]> {
    // A dead forwarder's code may run on for a moment; nothing of it reaches a server.
    if (!life.isAlive) return new Promise(() => undefined)
    const server = this.server(name)
    const isMute = server.mood === 'mute'
    const closed = new Set<string>()
    const outcomes = messages.map((message) => {
      const order = `${message.address} ${message.orderKey}`
      // As the contract of adapters says: behind a message that is kept none of the same order key and address is sent.
      if (closed.has(order)) return kept()
      const outcome = this.answer(name, { ...server, restarts }, message)
      if (outcome.status === 'kept') closed.add(order)
      return outcome
    })
    await this.delay(isMute ? DEADLINE_MS : this.random.integer(1, 40), life)
    return outcomes
  }

  private answer(name: string, server: Server, message: OutgoingMessage): Outcome {
    if (server.mood === 'down') return kept('upstream-unavailable')
    const route = server.routes.get(message.address) ?? 'open'
    if (route !== 'open') return kept(route === 'missing' ? 'route-missing' : 'route-forbidden')
    if (server.mood === 'refusing' && this.random.chance(0.3)) return kept('upstream-unavailable')
    if (server.mood === 'mute') {
      if (this.random.chance(0.5)) this.arrived(name, server, message, false)
      return kept('upstream-timeout')
    }
    if (this.random.chance(server.refusals)) {
      this.refused.add(`${name} ${numberOf(message)} ${message.address}`)
      return rejected()
    }
    this.arrived(name, server, message, true)
    return ACCEPTED
  }

  private arrived(destination: string, { restarts }: Server, message: OutgoingMessage, isConfirmed: boolean): void {
    const n = numberOf(message)
    const { address, orderKey, headers } = message
    const isReplayed = headers['replayed-at'] !== undefined
    this.arrivals.push({ destination, address, n, orderKey, isReplayed, isConfirmed, restarts })
  }

  private delay(ms: number, life: Life): Promise<void> {
    return new Promise((resolve) => void this.timers.after(ms, () => (life.isAlive ? resolve() : undefined)))
  }

  private server(name: string): Server {
    const server = this.servers.get(name)
    if (server === undefined) throw new Error(`there is no server ${name}`)
    return server
  }
}

class ServerAdapter implements OutgoingAdapter {
  readonly name: string
  readonly life: Life
  readonly restarts: number
  private readonly servers: SimulatedServers
  private isSending = false

  constructor(servers: SimulatedServers, name: string, life: Life, restarts: number) {
    this.servers = servers
    this.name = name
    this.life = life
    this.restarts = restarts
  }

  connect(): Promise<void> {
    return Promise.resolve()
  }

  async publish(_channel: string | null, messages: readonly OutgoingMessage[]): Promise<Outcome[]> {
    if (this.isSending) this.servers.faults.push(`${this.name} has two sends outstanding`)
    this.isSending = true
    try {
      return await this.servers.publish(this, messages)
    } finally {
      this.isSending = false
    }
  }

  disconnect(): Promise<void> {
    this.servers.disconnect(this.name, this)
    return Promise.resolve()
  }
}

function numberOf({ payload }: OutgoingMessage): number {
  const { n } = JSON.parse(Buffer.from(payload).toString()) as { n: number }
  return n
}

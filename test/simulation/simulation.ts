import { setImmediate } from 'node:timers/promises'
import type { Lane } from '../../daemon/core/message.ts'
import { FakeTime } from '../../daemon/core/timers.ts'
import { FLAG_SYNCED } from '../../daemon/store/log/record.ts'
import type { PlanTarget } from '../../daemon/verdict/plan.ts'
import { faultsOf } from './checks.ts'
import { type LetterRow, readLetters, readTables } from './final-tables.ts'
import { Model, type ModelMessage } from './model.ts'
import type { Random } from './random.ts'
import { SimulatedGateway, type Seams, upstream } from './simulated-gateway.ts'
import { DESTINATIONS, SimulatedServers } from './simulated-servers.ts'

/** Virtual time within which everything is at rest once all servers are healthy. */
const REST_MS = 120_000
/** Settlements and status are at most so far behind. */
const QUIET_MS = 3_000

/** A gateway among simulated servers, and the model of what was asked of it. */
export class Simulation {
  readonly time = new FakeTime()
  readonly model = new Model()
  readonly servers: SimulatedServers
  readonly faults: string[] = []
  private readonly random: Random
  private readonly folder: string
  private readonly seams: Seams
  private readonly maxAgeMs: number | null
  private readonly deadlines = new Map<string, number>(DESTINATIONS.map((name) => [name, 1_000]))
  private readonly removed = new Set<string>()
  private gateway: SimulatedGateway
  private processes = 1
  private count = 0
  /** Letters whose replay was asked for and is not confirmed. */
  private readonly replaying = new Map<number, string>()

  constructor(random: Random, folder: string, seams: Seams) {
    this.random = random
    this.folder = folder
    this.seams = seams
    this.maxAgeMs = random.chance(0.2) ? 40_000 : null
    this.servers = new SimulatedServers(random, this.time)
    for (const name of DESTINATIONS) if (random.chance(0.2)) this.removed.add(name)
    this.gateway = this.startProcess(`${folder}/1`)
  }

  get configured(): string[] {
    return DESTINATIONS.filter((name) => !this.removed.has(name))
  }

  append(lane: Lane, targets: PlanTarget[], clientId: string, ttlMs: number): void {
    const { log, opened } = this.gateway.store
    const runningMs = opened.clock.runningMs()
    const { id, stream, plan } = this.model.numbered(lane, targets)
    // As the publisher does before the first message of a plan in each process; a repeat changes nothing.
    log.put({ type: 'plan', row: { id, body: JSON.stringify(plan) } })
    log.put({ type: 'stream', row: { id: stream, lane, destinations: [...new Set(targets.map(({ to }) => to))] } })
    const n = ++this.count
    const expiresMs = ttlMs === 0 ? 0 : runningMs + ttlMs
    const limits = [expiresMs || Infinity, this.maxAgeMs === null ? Infinity : runningMs + this.maxAgeMs]
    const message: ModelMessage = {
      n,
      seq: 0,
      stream,
      plan,
      clientId,
      expiresMs: Math.min(...limits),
      isAcknowledged: false,
    }
    const record = {
      plan: id,
      flags: FLAG_SYNCED,
      runningMs,
      wallMs: this.time.wallMs(),
      expiresMs,
      clientId,
      topic: `${clientId}/data`,
      headers: '',
      payload: Buffer.from(JSON.stringify({ n })),
    }
    const seq = log.append(stream, record, (error) => {
      if (error === null) message.isAcknowledged = true
    })
    if (seq === undefined) return
    message.seq = seq
    this.model.messages.set(n, message)
  }

  /** Messages between threads come a turn later: what happens now may hit them on their way. */
  private async someTurns(): Promise<void> {
    for (let turns = this.random.integer(0, 4); turns > 0; turns--) await setImmediate()
  }

  async killForwarder(): Promise<string> {
    await this.someTurns()
    this.gateway.killForwarder()
    return 'the forwarder is killed'
  }

  async killWriter(): Promise<string> {
    await this.someTurns()
    this.gateway.killWriter()
    return 'the writer is killed'
  }

  async killProcess(): Promise<string> {
    await this.someTurns()
    const next = `${this.folder}/${++this.processes}`
    await this.gateway.kill(next)
    this.gateway = this.startProcess(next)
    for (const { n, seq } of this.model.crashed(this.gateway.store.opened.seq))
      this.faults.push(`message ${n} (sequence ${seq}) was acknowledged and is not stored`)
    const left = new Set(readLetters(next).map(({ id }) => id))
    for (const [id, destination] of this.replaying) if (!left.has(id)) this.model.replayed(destination)
    this.replaying.clear()
    return 'the process is killed and starts again'
  }

  async restart(): Promise<string> {
    const { gateway } = this
    await this.wait(gateway.close())
    this.gateway = this.startProcess(gateway.directory)
    return 'the process is stopped and starts again'
  }

  /** Has the loop of an upstream begin anew. */
  change(name: string): void {
    this.deadlines.set(name, (this.deadlines.get(name) ?? 0) + 1)
    this.configure(name)
  }

  /** Removes an upstream, or adds it again. */
  toggle(name: string): void {
    if (!this.removed.delete(name)) this.removed.add(name)
    this.configure(name)
  }

  async discard(name: string): Promise<string> {
    if (!this.removed.has(name)) return `discards nothing: ${name} is configured`
    this.model.discarded.add(name)
    const count = await this.wait(this.gateway.handle.discard(name))
    return `discards ${count} of ${name}`
  }

  async replay(choose: (letters: LetterRow[]) => LetterRow[]): Promise<string> {
    const { gateway, model } = this
    const letters = readLetters(gateway.directory).filter(
      ({ id, destination }) => !this.replaying.has(id) && !this.removed.has(destination),
    )
    if (letters.length === 0) return 'replays nothing: there are no dead letters'
    const chosen = choose(letters)
    for (const { id, destination } of chosen) {
      this.replaying.set(id, destination)
      const runningMs = gateway.store.opened.clock.runningMs()
      void gateway.store.log
        .commit({ type: 'dead-letter-replay', id, runningMs, wallMs: this.time.wallMs() })
        .then(() => {
          if (gateway !== this.gateway || !this.replaying.delete(id)) return
          model.replayed(destination)
          gateway.handle.replay(destination)
        })
        .catch(() => undefined)
    }
    await this.time.pass(this.random.integer(0, 5))
    return `replays ${chosen.map(({ destination, seq, target }) => `${destination} ${seq}/${target}`).join(' ')}`
  }

  /** All servers become healthy, and time passes until nothing is left to do. Returns all that is wrong then. */
  async rest(): Promise<string[]> {
    this.servers.heal()
    let passedMs = 0
    do await this.time.pass(QUIET_MS)
    while ((passedMs += QUIET_MS) < REST_MS && !this.isQuiet())
    await this.time.pass(QUIET_MS)
    const { directory, handle, store } = this.gateway
    const faults = [...this.faults, ...this.servers.faults]
    for (const destination of DESTINATIONS)
      faults.push(
        ...faultsOf({
          model: this.model,
          arrivals: this.servers.arrivals,
          refused: this.servers.refused,
          directory,
          destination,
          isConfigured: !this.removed.has(destination),
          status: handle.destinations.find(({ name }) => name === destination),
          nowMs: store.opened.clock.runningMs(),
          wasRestarted: this.servers.restartsOf(destination) > 0,
        }),
      )
    await this.wait(this.gateway.close())
    return faults
  }

  private isQuiet(): boolean {
    const { log } = this.gateway.store
    const waits = (name: string): boolean => {
      const status = this.gateway.handle.destinations.find((one) => one.name === name)
      return status === undefined || status.queued > 0 || readTables(this.gateway.directory, name).held.size > 0
    }
    return log.pending.messages === 0 && !this.configured.some(waits)
  }

  private configure(name: string): void {
    this.servers.restarted([name])
    this.gateway.configure(this.upstreams())
  }

  private upstreams(): Record<string, ReturnType<typeof upstream>> {
    return Object.fromEntries(this.configured.map((name) => [name, upstream(name, this.deadlines.get(name) ?? 0)]))
  }

  private startProcess(directory: string): SimulatedGateway {
    const { time, random, servers, seams, maxAgeMs } = this
    const onFault = (what: string): void => void this.faults.push(what)
    return new SimulatedGateway(directory, this.upstreams(), { time, random, servers, seams, maxAgeMs, onFault })
  }

  /** Lets time pass until the promise has settled. */
  private async wait<Value>(promise: Promise<Value>): Promise<Value> {
    let isSettled = false
    const settled = promise.finally(() => {
      isSettled = true
    })
    while (!isSettled) await this.time.pass(50)
    return settled
  }
}

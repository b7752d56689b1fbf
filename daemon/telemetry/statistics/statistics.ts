import type { Clock } from '../../core/clock.ts'
import { systemTimers, type Timer, type Timers } from '../../core/timers.ts'
import { atOnce, inTurns } from '../../core/turn.ts'
import { OTHER } from '../counters.ts'
import { AcceptedTable } from './accepted-table.ts'
import type { LatencyHistogram } from './latency-histogram.ts'
import { StatisticsHistory } from './statistics-history.ts'
import type { StatisticsStore } from './statistics-rows.ts'
import { TallyClients } from './tally-clients.ts'
import type { TallyCounts } from './tally-counts.ts'
import { Tally, type Scope, type Subject } from './tally.ts'

export interface StatisticsOptions {
  clock: Clock
  store: StatisticsStore
  /** The system's, if not given. */
  timers?: Timers
  /** Clients with counts of their own; 1,000 if not given. */
  maxClients?: number
}

const ROLL_MS = 10_000
/** Tallies in one step of a fraction of a millisecond. */
const TAKEN_A_STEP = 200
const ADDED_A_STEP = 40
/** Channels since the start, including removed ones. */
const MAX_CHANNELS = 10_000
const MAX_SENSORS = 200
const MAX_UPSTREAMS = 100

/**
 * The statistics of the gateway. Messages are counted in tallies along their way; every 10 seconds the counts are moved into the
 * history, and saved. A crash loses what was counted since then.
 */
export class Statistics {
  /** Durable messages of all tallies. */
  readonly accepted = new AcceptedTable()
  readonly totals = new Tally({ scope: 'total', key: '', name: '', document: '' }, this.accepted)
  readonly history: StatisticsHistory
  private readonly clock: Clock
  private readonly channels = new Map<string, Tally>()
  private readonly sensors = new Map<string, Tally>()
  private readonly upstreams = new Map<string, Tally>()
  private readonly clients: TallyClients
  private readonly timers: Timers
  private timer: Timer | undefined
  /** The unfinished steps of the last `roll`. */
  private rolling: Generator<void> | undefined
  /** Counts belong to the time since then, not to the time at which they are moved. */
  private rolledAtMs: number

  constructor({ clock, store, timers = systemTimers, maxClients }: StatisticsOptions) {
    this.clock = clock
    this.timers = timers
    this.history = new StatisticsHistory(clock, store)
    this.clients = new TallyClients(this.accepted, maxClients)
    this.rolledAtMs = clock.wallMs()
  }

  /** The tally of a channel, for the channel to keep. An id has one tally, with the latest name and document. */
  channel(id: string, name: string, document: string): Tally {
    const tally = this.openTally(this.channels, 'channel', id, MAX_CHANNELS)
    if (tally.subject.key === id) tally.subject = { scope: 'channel', key: id, name, document }
    return tally
  }

  /** The tally of a client, not to be kept: a busier client may take its place. */
  client(clientId: string): Tally {
    return this.clients.of(clientId)
  }

  sensor(name: string): Tally {
    return this.openTally(this.sensors, 'sensor', name, MAX_SENSORS)
  }

  upstream(name: string): Tally {
    return this.openTally(this.upstreams, 'upstream', name, MAX_UPSTREAMS)
  }

  /** Counts messages that a destination confirmed; each belongs to all of these channels. */
  forwarded(channelIds: readonly string[], destination: string, count: number, latency: LatencyHistogram): void {
    for (const tally of this.talliesOf(channelIds, destination)) tally.forwarded(destination, count, latency)
  }

  /** Counts messages that a destination refused for good. */
  deadLettered(channelIds: readonly string[], destination: string, count: number): void {
    for (const tally of this.talliesOf(channelIds, destination)) tally.deadLettered(destination, count)
  }

  /** The tallies of all channels since the start. */
  channelTallies(): IterableIterator<Tally> {
    return this.channels.values()
  }

  /** Moves counts into the history, so that reports include them. In steps; unfinished steps of an earlier call run first. */
  *roll(): Generator<void> {
    if (this.rolling !== undefined) atOnce(this.rolling)
    this.rolling = this.moveCounts()
    yield* this.rolling
  }

  /** Moves and saves all counts at once. */
  save(): void {
    atOnce(this.roll())
    this.history.save(this.rolledAtMs)
  }

  /** Ticks at whole 10 seconds of the wall clock, even after it has stepped. */
  start(): void {
    this.timer = this.timers.after(
      ROLL_MS - (this.clock.wallMs() % ROLL_MS),
      () => void inTurns(this.tick()).then(() => this.timer !== undefined && this.start()),
    )
  }

  /** Saves all counts; the running minute is continued after the restart. */
  stop(): void {
    this.timer?.cancel()
    this.timer = undefined
    this.save()
  }

  /** Moves and saves counts. Devices are served between its steps. */
  *tick(): Generator<void> {
    yield* this.roll()
    this.history.save(this.rolledAtMs)
  }

  private *moveCounts(): Generator<void> {
    const tallies = [
      this.totals,
      ...this.channels.values(),
      ...this.upstreams.values(),
      ...this.sensors.values(),
      ...this.clients.roll(),
    ]
    const taken: { subject: Subject; counts: TallyCounts; score: number }[] = []
    for (const [index, tally] of tallies.entries()) {
      if (index % TAKEN_A_STEP === 0) yield
      const counts = tally.take()
      if (counts !== undefined) taken.push({ subject: tally.subject, counts, score: tally.score })
    }
    yield
    // The busiest first, because those beyond the bound share a row.
    taken.sort(
      (a, b) => Number(a.subject.scope === 'client') - Number(b.subject.scope === 'client') || b.score - a.score,
    )
    for (const [index, { subject, counts }] of taken.entries()) {
      if (index % ADDED_A_STEP === 0) yield
      this.history.add(this.rolledAtMs, subject, counts)
    }
    this.clients.rank()
    this.rolledAtMs = this.clock.wallMs()
  }

  private talliesOf(channelIds: readonly string[], destination: string): Tally[] {
    const channels = channelIds.flatMap((id) => this.channels.get(id) ?? [])
    return [this.totals, this.upstream(destination), ...channels]
  }

  /** Beyond the bound, all share one tally. */
  private openTally(tallies: Map<string, Tally>, scope: Scope, key: string, max: number): Tally {
    const known = tallies.get(key)
    if (known !== undefined) return known
    if (tallies.size >= max && key !== OTHER) return this.openTally(tallies, scope, OTHER, max)
    const created = new Tally({ scope, key, name: key, document: '' }, this.accepted)
    tallies.set(key, created)
    return created
  }
}

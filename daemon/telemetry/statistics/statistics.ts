import type { Clock } from '../../core/clock.ts'
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
  /** That are counted one by one; 1,000 if not given. */
  maxClients?: number
}

const ROLL_MS = 10_000
const SAVE_MS = 60_000
/** Of a fraction of a millisecond. */
const TAKEN_A_STEP = 200
const ADDED_A_STEP = 40
/** Ids of channels since the start, those that are gone included. */
const MAX_CHANNELS = 10_000
const MAX_SENSORS = 200
const MAX_UPSTREAMS = 100

/**
 * The statistics of the gateway. Messages are counted in tallies that are kept where they pass; every 10 seconds what they have
 * counted is laid down by time, and once a minute saved. A crash loses what was not saved, a minute at most.
 */
export class Statistics {
  /** What all tallies here count messages in. */
  readonly accepted = new AcceptedTable()
  readonly totals = new Tally({ scope: 'total', key: '', name: '', document: '' }, this.accepted)
  readonly history: StatisticsHistory
  private readonly clock: Clock
  private readonly channels = new Map<string, Tally>()
  private readonly sensors = new Map<string, Tally>()
  private readonly upstreams = new Map<string, Tally>()
  private readonly clients: TallyClients
  private timer: NodeJS.Timeout | undefined
  /** What is being laid down. */
  private rolling: Generator<void> | undefined
  /** What is counted belongs to the time since then, not to the time when it is laid down. */
  private rolledAtMs: number
  private savedMinute: number

  constructor({ clock, store, maxClients }: StatisticsOptions) {
    this.clock = clock
    this.history = new StatisticsHistory(clock, store)
    this.clients = new TallyClients(this.accepted, maxClients)
    this.rolledAtMs = clock.wallMs()
    this.savedMinute = Math.floor(this.rolledAtMs / SAVE_MS)
  }

  /** Keep it with the channel. The same id gives the same tally, under the name and document that came last. */
  channel(id: string, name: string, document: string): Tally {
    const tally = this.kept(this.channels, 'channel', id, MAX_CHANNELS)
    if (tally.subject.key === id) tally.subject = { scope: 'channel', key: id, name, document }
    return tally
  }

  /** Not to be kept: a client may lose its place to a busier one. */
  client(clientId: string): Tally {
    return this.clients.of(clientId)
  }

  sensor(name: string): Tally {
    return this.kept(this.sensors, 'sensor', name, MAX_SENSORS)
  }

  upstream(name: string): Tally {
    return this.kept(this.upstreams, 'upstream', name, MAX_UPSTREAMS)
  }

  /** A destination confirmed messages, each of all these channels: one where one document describes the topic. */
  forwarded(channelIds: readonly string[], destination: string, count: number, latency: LatencyHistogram): void {
    for (const tally of this.meant(channelIds, destination)) tally.forwarded(destination, count, latency)
  }

  /** A destination refused messages for good. */
  deadLettered(channelIds: readonly string[], destination: string, count: number): void {
    for (const tally of this.meant(channelIds, destination)) tally.deadLettered(destination, count)
  }

  /** Every channel's tally since the start. */
  channelTallies(): IterableIterator<Tally> {
    return this.channels.values()
  }

  /** Lays down what was counted, so that reading sees it. In steps; those of an earlier call that are left come first. */
  *roll(): Generator<void> {
    if (this.rolling !== undefined) atOnce(this.rolling)
    this.rolling = this.layDown()
    yield* this.rolling
  }

  /** Lays down and saves, at once. */
  save(): void {
    atOnce(this.roll())
    this.saveHistory()
  }

  /** At whole 10 seconds of the wall clock, wherever that is by then. Keeps no process alive. */
  start(): void {
    this.timer = setTimeout(
      () => void inTurns(this.tick()).then(() => this.timer !== undefined && this.start()),
      ROLL_MS - (this.clock.wallMs() % ROLL_MS),
    ).unref()
  }

  /** Saves what is there; a minute that is saved in part is gone on with after the restart. */
  stop(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.save()
  }

  /** What the timer does: devices are served between its steps. */
  *tick(): Generator<void> {
    const isDue = Math.floor(this.clock.wallMs() / SAVE_MS) !== this.savedMinute
    yield* this.roll()
    if (isDue) this.saveHistory()
  }

  private saveHistory(): void {
    this.history.save(this.rolledAtMs)
    this.savedMinute = Math.floor(this.rolledAtMs / SAVE_MS)
  }

  private *layDown(): Generator<void> {
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
    // The busiest first: those that come late share a row.
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

  private meant(channelIds: readonly string[], destination: string): Tally[] {
    const channels = channelIds.flatMap((id) => this.channels.get(id) ?? [])
    return [this.totals, this.upstream(destination), ...channels]
  }

  /** Past the bound all share one. */
  private kept(tallies: Map<string, Tally>, scope: Scope, key: string, max: number): Tally {
    const known = tallies.get(key)
    if (known !== undefined) return known
    if (tallies.size >= max && key !== OTHER) return this.kept(tallies, scope, OTHER, max)
    const created = new Tally({ scope, key, name: key, document: '' }, this.accepted)
    tallies.set(key, created)
    return created
  }
}

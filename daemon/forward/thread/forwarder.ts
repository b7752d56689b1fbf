import { isDeepStrictEqual } from 'node:util'
import { EdgeError } from '../../core/errors.ts'
import { KeyedTurns } from '../../core/keyed-turns.ts'
import type { Logger } from '../../core/logger.ts'
import { LANES, type Lane } from '../../core/message.ts'
import type { Timers } from '../../core/timers.ts'
import type { OutgoingAdapter } from '../../protocols/adapter.ts'
import type { UpstreamSettings } from '../../settings/sections/upstream-common.ts'
import type { LogReader } from '../../store/log/log-reader.ts'
import type { RecordView } from '../../store/log/record.ts'
import type { RunningClock } from '../../store/log/running-clock.ts'
import type { CursorRow } from '../../store/tables/cursors.ts'
import { BatchSender } from '../destination/batch-sender.ts'
import { DestinationLoop } from '../destination/destination-loop.ts'
import { policyOf } from '../destination/destination-policy.ts'
import type { Backlog } from '../destination/destination-state.ts'
import { ForwardedCounts } from '../destination/forwarded-counts.ts'
import { type HeldReader, HeldRoutes } from '../destination/held-routes.ts'
import { HeldSender } from '../destination/held-sender.ts'
import { type BlockReader, LaneQueue } from '../destination/lane-queue.ts'
import type { ForwardedCount, DestinationStatus } from '../forwarder-messages.ts'
import { DestinationStreams } from './destination-streams.ts'
import { MessageFactory, type PlanReader } from './message-factory.ts'
import type { Reporter, SettlementReporter } from './reporter.ts'

/** The part of the log that the forwarder reads. */
export type ForwarderReader = BlockReader &
  PlanReader &
  Pick<LogReader, 'streams' | 'cursors' | 'lastSeq' | 'written' | 'present' | 'oldestFrom'> &
  HeldReader

/** Resolves to an adapter that is connected to the upstream. */
export type ConnectUpstream = (upstream: UpstreamSettings) => Promise<OutgoingAdapter>

export interface ForwarderOptions {
  reader: ForwarderReader
  reporter: SettlementReporter & Pick<Reporter, 'onRoomNeeded'>
  clock: RunningClock
  timers: Timers
  logger: Logger
  connect: ConnectUpstream
  /** Draws the jitter of all pauses between attempts; a simulation hands in its own, so that a run can be repeated. */
  random?: (() => number) | undefined
}

/** A destination with the settings that its loop was started with. */
interface Running {
  loop: DestinationLoop
  counts: ForwardedCounts
  upstream: UpstreamSettings | undefined
  maxAgeMs: number | null
}

interface Wanted {
  upstreams: Readonly<Record<string, UpstreamSettings>>
  maxAgeMs: number | null
}

/** A loop for every destination that exists: those of the settings, and those that cursors or streams of the log name. */
export class Forwarder {
  private readonly options: ForwarderOptions
  private readonly streams: DestinationStreams
  private readonly running = new Map<string, Running>()
  private readonly turns = new KeyedTurns<string>()
  private wanted: Wanted = { upstreams: {}, maxAgeMs: null }
  private isStarted = false
  private isStopped = false

  constructor(options: ForwarderOptions) {
    this.options = options
    this.streams = new DestinationStreams(options.reader)
    options.reporter.onRoomNeeded((bytes, required) => this.makeRoom(bytes, required))
  }

  start(upstreams: Readonly<Record<string, UpstreamSettings>>, maxAgeMs: number | null): void {
    this.wanted = { upstreams, maxAgeMs }
    this.isStarted = true
    for (const name of this.names()) this.startLoop(name)
  }

  /**
   * Restarts the destinations that the settings change, and leaves the others alone. A loop that is restarted ends first, and its
   * settlements are durable before the next one reads its cursors. Of several calls the last one decides.
   */
  async configure(upstreams: Readonly<Record<string, UpstreamSettings>>, maxAgeMs: number | null): Promise<void> {
    this.wanted = { upstreams, maxAgeMs }
    await Promise.all(this.names().map((name) => this.turns.run(name, () => this.adjust(name))))
  }

  wake(): void {
    for (const { loop } of this.running.values()) loop.wake()
  }

  /** Finishes the outstanding sends, and waits until their settlements are durable. */
  async stop(): Promise<void> {
    this.isStopped = true
    await Promise.all([...this.running.values()].map(({ loop }) => loop.stop()))
    await this.options.reporter.flushed()
  }

  /** Every destination that is configured or has anything left. */
  status(): DestinationStatus[] {
    this.findRemoved()
    return [...this.running.values()]
      .map(({ loop, upstream }) => ({ upstream, status: loop.status(this.backlog(loop)) }))
      .filter(({ upstream, status }) => upstream !== undefined || status.queued > 0)
      .map(({ status }) => status)
  }

  /** Counts of messages forwarded since the last call, by destination and channels. */
  drainCounts(): ForwardedCount[] {
    return [...this.running.values()].flatMap(({ counts }) => counts.drain())
  }

  /** Dead letters of a destination are to be sent again. */
  replay(destination: string): void {
    this.running.get(destination)?.loop.replay()
  }

  /**
   * Gives up everything that a destination has left; undefined where it is configured, or unknown. In turn with changes of its
   * settings: a loop that begins meanwhile would send what is given up.
   */
  discard(destination: string): Promise<number | undefined> {
    return this.turns.run(destination, async () => {
      this.findRemoved()
      const known = this.running.get(destination)
      if (known === undefined || known.upstream !== undefined) return undefined
      const count = known.loop.discardAll()
      await this.options.reporter.flushed()
      return count
    })
  }

  private names(): string[] {
    this.streams.refresh()
    const cursors = this.options.reader.cursors().map((row) => row.destination)
    const { upstreams } = this.wanted
    return [...new Set([...Object.keys(upstreams), ...cursors, ...this.streams.destinations(), ...this.running.keys()])]
  }

  /** A message that was accepted just before its upstream was removed may be committed behind the change of settings. */
  private findRemoved(): void {
    this.streams.refresh()
    // Before the start nobody knows what is configured.
    if (!this.isStarted || this.isStopped) return
    for (const name of this.streams.destinations())
      if (!this.running.has(name) && !Object.hasOwn(this.wanted.upstreams, name)) this.startLoop(name)
  }

  private async adjust(name: string): Promise<void> {
    const { upstreams, maxAgeMs } = this.wanted
    const known = this.running.get(name)
    if (known !== undefined && known.maxAgeMs === maxAgeMs && isDeepStrictEqual(known.upstream, upstreams[name])) return
    await known?.loop.stop()
    await this.options.reporter.flushed()
    if (!this.isStopped) this.startLoop(name)
  }

  private startLoop(name: string): void {
    const { reader, reporter, clock, timers, logger, connect, random = Math.random } = this.options
    const { maxAgeMs } = this.wanted
    const upstream = this.wanted.upstreams[name]
    const factory = new MessageFactory(name, reader)
    const held = new HeldRoutes(name, reader)
    const deliveriesOf = (record: RecordView): number => deliveryCount(factory, record)
    const lanes = this.beginning(name).map((cursor) => {
      const isWanted = (stream: number): boolean => this.streams.has(stream, name, cursor.lane)
      return new LaneQueue(reader, isWanted, cursor, deliveriesOf)
    })
    const policy = policyOf(upstream, maxAgeMs)
    // What the loop before it has counted and not told yet goes on counting.
    const counts = this.running.get(name)?.counts ?? new ForwardedCounts(name, (plan) => factory.channelIds(plan))
    const sender = new BatchSender({ factory, held, clock, maxAgeMs: policy.maxAgeMs, counts })
    const loop = new DestinationLoop({
      name,
      protocol: upstream?.protocol ?? 'none',
      lanes,
      held,
      reporter,
      policy,
      clock,
      timers,
      logger,
      random,
      sender,
      heldSender: new HeldSender({ factory, held, sender, clock }),
      connect: upstream === undefined ? undefined : () => connect(upstream),
    })
    this.running.set(name, { loop, counts, upstream, maxAgeMs })
    loop.start()
  }

  /**
   * The cursors with which a destination begins. Read in one snapshot: a stream that is committed between two reads would lie before
   * the end of the log without being known.
   */
  private beginning(name: string): CursorRow[] {
    return this.options.reader.snapshot(() => {
      this.streams.refresh()
      const known = this.options.reader.cursors()
      return LANES.map((lane) => this.cursor(name, lane, known))
    })
  }

  /** Without a cursor a destination begins with the oldest message that was accepted for it; none is older than its configuration. */
  private cursor(destination: string, lane: Lane, known: readonly CursorRow[]): CursorRow {
    const found = known.find((row) => row.destination === destination && row.lane === lane)
    if (found !== undefined) return { ...found }
    const { reader } = this.options
    const streams = this.streams.of(destination, lane)
    const present = reader.present(streams)
    const written = reader.written(streams)
    return {
      destination,
      lane,
      low: present.first ?? reader.lastSeq() + 1,
      ranges: [],
      settled: written.messages - present.messages,
      settledBytes: written.bytes - present.bytes,
      delivered: 0,
      expired: 0,
      dropped: 0,
      dead: 0,
    }
  }

  private backlog(loop: DestinationLoop): Backlog {
    const { reader } = this.options
    const written = reader.written(this.streams.of(loop.name))
    const settled = loop.settled()
    const messages = Math.max(0, written.messages - settled.messages)
    const bytes = Math.max(0, written.bytes - settled.bytes)
    if (messages === 0) return { messages, bytes, oldestRunningMs: undefined }
    // What is not read yet, because the destination is down, is looked up.
    const oldest =
      loop.oldestRunningMs ??
      Math.min(
        ...loop.lows.map(({ lane, low }) => reader.oldestFrom(this.streams.of(loop.name, lane), low) ?? Infinity),
      )
    return { messages, bytes, oldestRunningMs: Number.isFinite(oldest) ? oldest : undefined }
  }

  /**
   * Discards messages, the longest backlog first: of destinations that are not required or over their limit. Where there is none of
   * these, and `required` says so, of all.
   */
  private makeRoom(bytes: number, required: boolean): void {
    this.findRemoved()
    const backlogs = [...this.running.values()]
      .map(({ loop }) => ({ loop, bytes: this.backlog(loop).bytes }))
      .sort((a, b) => b.bytes - a.bytes)
    const dispensable = backlogs.filter(
      ({ loop, bytes: backlog }) =>
        !loop.policy.required || (loop.policy.maxBacklogBytes !== null && backlog > loop.policy.maxBacklogBytes),
    )
    let wanted = bytes
    for (const { loop } of dispensable.length > 0 || !required ? dispensable : backlogs) {
      if (wanted <= 0) break
      wanted -= loop.discard(wanted)
    }
  }
}

/** A record whose plan cannot be read counts as one delivery: it becomes one dead letter. */
function deliveryCount(factory: MessageFactory, record: RecordView): number {
  try {
    return factory.targets(record).length
  } catch (error) {
    if (!(error instanceof EdgeError)) throw error
    return 1
  }
}

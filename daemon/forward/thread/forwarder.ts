import type { Logger } from '../../core/logger.ts'
import { LANES, type Lane } from '../../core/message.ts'
import type { Timers } from '../../core/timers.ts'
import type { OutgoingAdapter } from '../../protocols/adapter.ts'
import type { UpstreamSettings } from '../../settings/sections/upstream-common.ts'
import type { LogReader } from '../../store/log/log-reader.ts'
import type { RunningClock } from '../../store/log/running-clock.ts'
import type { CursorRow } from '../../store/tables/cursors.ts'
import type { StreamRow } from '../../store/tables/streams.ts'
import { BatchSender } from '../destination/batch-sender.ts'
import { DestinationLoop } from '../destination/destination-loop.ts'
import { policyOf } from '../destination/destination-policy.ts'
import { ForwardedCounts } from '../destination/forwarded-counts.ts'
import { HeldRoutes } from '../destination/held-routes.ts'
import { type BlockReader, LaneQueue } from '../destination/lane-queue.ts'
import type { ForwardedCount, DestinationStatus } from '../forwarder-messages.ts'
import { MessageFactory, type PlanReader } from './message-factory.ts'
import type { Reporter, SettlementReporter } from './reporter.ts'

/** The part of the log that the forwarder reads. */
export type ForwarderReader = BlockReader &
  PlanReader &
  Pick<LogReader, 'streams' | 'cursors' | 'lastSeq' | 'written' | 'present' | 'held' | 'heldRoutes'>

/** Resolves to an adapter that is connected to the upstream. */
export type ConnectUpstream = (upstream: UpstreamSettings) => Promise<OutgoingAdapter>

export interface ForwarderOptions {
  reader: ForwarderReader
  reporter: SettlementReporter & Pick<Reporter, 'onRoomNeeded'>
  clock: RunningClock
  timers: Timers
  logger: Logger
  connect: ConnectUpstream
  /** Gets an error that has ended a destination's loop and is not the destination's. */
  onFailure: (error: unknown) => void
}

/** A loop for every destination that is configured, or still has messages in the log. */
export class Forwarder {
  private readonly options: ForwarderOptions
  private readonly loops = new Map<string, DestinationLoop>()
  private readonly counts = new Map<string, ForwardedCounts>()
  private streams = new Map<number, StreamRow>()

  constructor(options: ForwarderOptions) {
    this.options = options
    options.reporter.onRoomNeeded((bytes, required) => this.makeRoom(bytes, required))
  }

  start(upstreams: Record<string, UpstreamSettings>, maxAgeMs: number | null): void {
    for (const { name, cursors } of this.beginnings(Object.keys(upstreams)))
      this.startLoop(name, upstreams[name], maxAgeMs, cursors)
  }

  /** Ends every loop and starts those that are configured now; the backlog stays in the log. */
  async restart(upstreams: Record<string, UpstreamSettings>, maxAgeMs: number | null): Promise<void> {
    await this.stop()
    this.loops.clear()
    this.start(upstreams, maxAgeMs)
  }

  wake(): void {
    for (const loop of this.loops.values()) loop.wake()
  }

  /** Finishes the outstanding sends, and waits until their settlements are durable. */
  async stop(): Promise<void> {
    await Promise.all([...this.loops.values()].map((loop) => loop.stop()))
    await this.options.reporter.flushed()
  }

  status(): DestinationStatus[] {
    return [...this.loops.values()].map((loop) => loop.status(this.queued(loop.name)))
  }

  /** Counts of messages forwarded since the last call, by destination and channels. */
  drainCounts(): ForwardedCount[] {
    return [...this.counts.values()].flatMap((one) => one.drain())
  }

  private startLoop(
    name: string,
    upstream: UpstreamSettings | undefined,
    maxAgeMs: number | null,
    cursors: readonly CursorRow[],
  ): void {
    const { reader, reporter, clock, timers, logger, connect } = this.options
    const factory = new MessageFactory(name, reader)
    const held = new HeldRoutes(name, reader)
    const lanes = cursors.map(
      (cursor) => new LaneQueue(reader, (stream) => this.isWanted(stream, name, cursor.lane), cursor),
    )
    const policy = policyOf(upstream, maxAgeMs)
    const counts = new ForwardedCounts(name, (plan) => factory.channelIds(plan))
    this.counts.set(name, counts)
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
      sender: new BatchSender({ factory, held, clock, maxAgeMs: policy.maxAgeMs, counts }),
      connect: upstream === undefined ? undefined : () => connect(upstream),
    })
    this.loops.set(name, loop)
    loop.start(this.options.onFailure)
  }

  /**
   * The cursors with which every destination begins, those that only have a cursor included. Read in one snapshot: a stream that is
   * committed between two reads would lie before the end of the log without being known.
   */
  private beginnings(configured: readonly string[]): { name: string; cursors: CursorRow[] }[] {
    return this.options.reader.snapshot(() => {
      this.refreshStreams()
      const known = this.options.reader.cursors()
      const names = new Set([...configured, ...known.map((row) => row.destination)])
      return [...names].map((name) => ({ name, cursors: LANES.map((lane) => this.cursor(name, lane, known)) }))
    })
  }

  /** Without a cursor a destination begins with the oldest message that was accepted for it; none is older than its configuration. */
  private cursor(destination: string, lane: Lane, known: readonly CursorRow[]): CursorRow {
    const found = known.find((row) => row.destination === destination && row.lane === lane)
    if (found !== undefined) return { ...found }
    const { reader } = this.options
    const streams = this.streamsOf(destination, lane)
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

  private isWanted(stream: number, destination: string, lane: Lane): boolean {
    if (!this.streams.has(stream)) this.refreshStreams()
    const row = this.streams.get(stream)
    return row !== undefined && row.lane === lane && row.destinations.includes(destination)
  }

  private streamsOf(destination: string, lane?: Lane): number[] {
    return [...this.streams.values()]
      .filter((row) => (lane === undefined || row.lane === lane) && row.destinations.includes(destination))
      .map((row) => row.id)
  }

  private refreshStreams(): void {
    this.streams = new Map(this.options.reader.streams().map((row) => [row.id, row]))
  }

  private queued(destination: string): { messages: number; bytes: number } {
    const written = this.options.reader.written(this.streamsOf(destination))
    const settled = this.loops.get(destination)?.settled() ?? { messages: 0, bytes: 0 }
    return {
      messages: Math.max(0, written.messages - settled.messages),
      bytes: Math.max(0, written.bytes - settled.bytes),
    }
  }

  /**
   * Discards messages, the longest backlog first: of destinations that are not required or over their limit. Where there is none of
   * these, and `required` says so, of all.
   */
  private makeRoom(bytes: number, required: boolean): void {
    const backlogs = [...this.loops.values()]
      .map((loop) => ({ loop, bytes: this.queued(loop.name).bytes }))
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

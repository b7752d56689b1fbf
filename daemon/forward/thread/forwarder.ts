import type { Logger } from '../../core/logger.ts'
import { LANES, type Lane } from '../../core/message.ts'
import type { UpstreamSettings } from '../../settings/sections/upstream-settings.ts'
import type { LogReader } from '../../store/log/log-reader.ts'
import type { RunningClock } from '../../store/log/running-clock.ts'
import type { CursorRow } from '../../store/tables/cursors.ts'
import type { StreamRow } from '../../store/tables/streams.ts'
import { BatchSender } from '../destination/batch-sender.ts'
import { DestinationLoop } from '../destination/destination-loop.ts'
import type { DestinationPolicy } from '../destination/destination-policy.ts'
import { ForwardedCounts } from '../destination/forwarded-counts.ts'
import { HeldRoutes } from '../destination/held-routes.ts'
import { LaneQueue } from '../destination/lane-queue.ts'
import type { ForwardedCount, DestinationStatus } from '../forwarder-messages.ts'
import { MessageFactory } from './message-factory.ts'
import type { Reporter } from './reporter.ts'
import { connectUpstream } from './upstream-adapter.ts'

export interface ForwarderOptions {
  reader: LogReader
  reporter: Reporter
  clock: RunningClock
  logger: Logger
  gatewayId: string
  onFailure: (error: unknown) => void
}

/** For a destination that is no longer configured: it sends nothing, and is the first to give up what it has. */
const GONE: DestinationPolicy = {
  maxBatchBytes: 1,
  lingerMs: 0,
  deadlineMs: 1,
  holdForMs: Infinity,
  retry: { minMs: 1, maxMs: 1 },
  maxAgeMs: null,
  required: false,
  maxBacklogBytes: null,
}
const DEFAULT_BATCH_BYTES = 256 * 1024
const DEFAULT_LINGER_MS = 10

/** A loop for every destination that is configured, or still has messages in the log. */
export class Forwarder {
  private readonly options: ForwarderOptions
  private readonly loops = new Map<string, DestinationLoop>()
  private readonly counts = new Map<string, ForwardedCounts>()
  private streams = new Map<number, StreamRow>()

  constructor(options: ForwarderOptions) {
    this.options = options
    options.reporter.giveUp = (bytes, required) => this.giveUp(bytes, required)
  }

  start(upstreams: Record<string, UpstreamSettings>, maxAgeMs: number | null): void {
    for (const { name, cursors } of this.beginnings(Object.keys(upstreams)))
      this.add(name, upstreams[name], maxAgeMs, cursors)
  }

  /** Ends every loop and starts those that are configured now; what waits stays in the log. */
  async restart(upstreams: Record<string, UpstreamSettings>, maxAgeMs: number | null): Promise<void> {
    await this.stop()
    this.loops.clear()
    this.start(upstreams, maxAgeMs)
  }

  wake(): void {
    for (const loop of this.loops.values()) loop.wake()
  }

  /** Finishes the sends that are out, and waits until the store knows of them. */
  async stop(): Promise<void> {
    await Promise.all([...this.loops.values()].map((loop) => loop.stop()))
    await this.options.reporter.flushed()
  }

  status(): DestinationStatus[] {
    return [...this.loops.values()].map((loop) => loop.status(this.queued(loop.name)))
  }

  /** What was forwarded since the last call, by destination and channels. */
  takeCounts(): ForwardedCount[] {
    return [...this.counts.values()].flatMap((one) => one.take())
  }

  private add(
    name: string,
    upstream: UpstreamSettings | undefined,
    maxAgeMs: number | null,
    cursors: readonly CursorRow[],
  ): void {
    const { reader, reporter, clock, logger, gatewayId } = this.options
    const factory = new MessageFactory(name, reader)
    const held = new HeldRoutes(name, reader)
    const lanes = cursors.map(
      (cursor) => new LaneQueue(reader, (stream) => this.wants(stream, name, cursor.lane), cursor),
    )
    const policy = upstream === undefined ? GONE : policyOf(upstream, maxAgeMs)
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
      logger,
      sender: new BatchSender({ factory, held, clock, maxAgeMs: policy.maxAgeMs, counts }),
      connect: upstream === undefined ? undefined : () => connectUpstream(upstream, gatewayId, logger),
    })
    this.loops.set(name, loop)
    loop.start(this.options.onFailure)
  }

  /**
   * Where every destination begins, those that are only known by a cursor included. Read of one moment: a stream that is committed
   * between two reads would lie before the end of the log without being known.
   */
  private beginnings(configured: readonly string[]): { name: string; cursors: CursorRow[] }[] {
    return this.options.reader.snapshot(() => {
      this.refreshStreams()
      const known = this.options.reader.cursors()
      const names = new Set([...configured, ...known.map((row) => row.destination)])
      return [...names].map((name) => ({ name, cursors: LANES.map((lane) => this.cursor(name, lane, known)) }))
    })
  }

  /** A destination that has no cursor begins with the oldest message that was accepted for it: before it was configured there is none. */
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

  private wants(stream: number, destination: string, lane: Lane): boolean {
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

  /** The longest backlog first: of those that are not required or over their limit, else, where the policy says so, of all. */
  private giveUp(bytes: number, required: boolean): void {
    const backlogs = [...this.loops.values()]
      .map((loop) => ({ loop, bytes: this.queued(loop.name).bytes }))
      .sort((a, b) => b.bytes - a.bytes)
    const free = backlogs.filter(
      ({ loop, bytes: backlog }) =>
        !loop.policy.required || (loop.policy.maxBacklogBytes !== null && backlog > loop.policy.maxBacklogBytes),
    )
    let wanted = bytes
    for (const { loop } of free.length > 0 || !required ? free : backlogs) {
      if (wanted <= 0) break
      wanted -= loop.giveUp(wanted)
    }
  }
}

function policyOf(upstream: UpstreamSettings, maxAgeMs: number | null): DestinationPolicy {
  const { deadlineMs, holdForMs, retry, required, maxBacklogBytes } = upstream
  const sizes =
    upstream.protocol === 'kafka'
      ? { maxBatchBytes: upstream.maxBatchBytes, lingerMs: upstream.lingerMs }
      : { maxBatchBytes: DEFAULT_BATCH_BYTES, lingerMs: DEFAULT_LINGER_MS }
  return { ...sizes, deadlineMs, holdForMs, retry, required, maxBacklogBytes, maxAgeMs }
}

import { EdgeError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { ProtocolAdapter } from '../../protocols/adapter.ts'
import type { RunningClock } from '../../store/log/running-clock.ts'
import type { LostRange } from '../../store/tables/cursors.ts'
import type { DeadLetterInput } from '../../store/tables/dead-letters.ts'
import type { HeldInput } from '../../store/tables/held.ts'
import type { CircuitState, DestinationStatus } from '../forwarder-messages.ts'
import type { Reporter } from '../thread/reporter.ts'
import { Backoff } from './backoff.ts'
import type { BatchSender } from './batch-sender.ts'
import type { DestinationPolicy } from './destination-policy.ts'
import { probeRoute } from './held-probe.ts'
import type { HeldRoutes } from './held-routes.ts'
import { sizeOf, type Entry, type LaneQueue } from './lane-queue.ts'
import { lostRanges } from './lost-ranges.ts'
import { Sleeper } from './sleeper.ts'

export interface DestinationLoopOptions {
  name: string
  protocol: string
  /** Resolves to an adapter that is connected; undefined where the destination is no longer configured. */
  connect: (() => Promise<ProtocolAdapter>) | undefined
  lanes: LaneQueue[]
  held: HeldRoutes
  sender: BatchSender
  reporter: Reporter
  policy: DestinationPolicy
  clock: RunningClock
  logger: Logger
}

/** A batch below this waits `lingerMs` for more: sending each message alone costs many times the work. */
const SMALL_BATCH_BYTES = 64 * 1024
const IDLE_MS = 1_000
const EXPIRE_EVERY_MS = 10_000
/** Settlements that may be under way to the writer. */
const MAX_UNCONFIRMED = 32

/** The one loop of one destination: log → batch → destination → settle. Nothing here waits for another destination. */
export class DestinationLoop {
  readonly name: string
  readonly policy: DestinationPolicy
  private readonly options: DestinationLoopOptions
  private readonly backoff: Backoff
  private readonly sleeper = new Sleeper()
  private adapter: ProtocolAdapter | undefined
  private state: CircuitState = 'connecting'
  private sinceMs: number
  private lastError: EdgeError | undefined
  private lastLatencyMs: number | null = null
  private nextExpiryMs = 0
  private stopped = false
  private running: Promise<void> = Promise.resolve()

  constructor(options: DestinationLoopOptions) {
    this.options = options
    this.name = options.name
    this.policy = options.policy
    this.sinceMs = options.clock.wallMs()
    this.backoff = new Backoff(options.policy.retry.minMs, options.policy.retry.maxMs)
  }

  /** `onFailure`: the loop has ended by an error that is not the destination's. */
  start(onFailure: (error: unknown) => void): void {
    this.running = this.run().catch(onFailure)
  }

  /** New messages may be there. */
  wake(): void {
    this.sleeper.wake()
  }

  /** Finishes the send that is out; sends nothing more. */
  async stop(): Promise<void> {
    this.stopped = true
    this.sleeper.stop()
    await this.running
    await this.drop()
  }

  /** Gives up the oldest messages that are not under way; returns how many bytes. */
  giveUp(bytes: number): number {
    let freed = 0
    for (const queue of [...this.options.lanes].reverse()) {
      if (freed >= bytes) break
      const given = queue.giveUp(bytes - freed)
      queue.cursor.dropped += given.messages
      freed += given.bytes
      if (given.messages === 0) continue
      this.options.logger.error(
        { code: 'store-full', subject: this.name, messages: given.messages },
        'messages given up to make room in the store',
      )
      this.report(queue, [], [], [], lostRanges(given.seqs, 'dropped'))
    }
    return freed
  }

  /** What needs no more work here, ever since the destination was first configured. */
  settled(): { messages: number; bytes: number } {
    let messages = 0
    let bytes = 0
    for (const { cursor } of this.options.lanes) {
      messages += cursor.settled
      bytes += cursor.settledBytes
    }
    return { messages, bytes }
  }

  status(queued: { messages: number; bytes: number }): DestinationStatus {
    const { lanes, held, clock, protocol } = this.options
    const sum = (pick: (lane: LaneQueue) => number): number => lanes.reduce((total, lane) => total + pick(lane), 0)
    const oldest = Math.min(...lanes.map((lane) => lane.oldestRunningMs ?? Infinity))
    const error = this.lastError ?? held.error
    return {
      name: this.name,
      protocol,
      state: this.state === 'connected' && held.count > 0 ? 'degraded' : this.state,
      sinceMs: this.sinceMs,
      lastError: error === undefined ? null : describeError(error),
      queued: queued.messages + held.count,
      queuedBytes: queued.bytes,
      held: held.count,
      oldestMs: Number.isFinite(oldest) ? clock.runningMs() - oldest : null,
      delivered: sum((lane) => lane.cursor.delivered),
      deadLettered: sum((lane) => lane.cursor.dead),
      expired: sum((lane) => lane.cursor.expired),
      dropped: sum((lane) => lane.cursor.dropped),
      damagedBytes: sum((lane) => lane.damagedBytes),
      lastLatencyMs: this.lastLatencyMs,
    }
  }

  private async run(): Promise<void> {
    if (this.options.connect === undefined) return this.enter('stopped')
    while (!this.stopped) {
      const adapter = this.adapter ?? (await this.connect(this.options.connect))
      if (adapter === undefined) {
        this.expireWhileDown()
        await this.sleeper.pause(this.backoff.next())
        continue
      }
      if (this.options.reporter.unconfirmedCount > MAX_UNCONFIRMED) await this.options.reporter.flushed()
      const probed = await this.probeHeld(adapter)
      const sent = await this.sendNext(adapter)
      if (sent === 'failed') await this.sleeper.pause(this.backoff.next())
      else if (sent === 'nothing' && !probed) await this.sleeper.idle(IDLE_MS)
    }
    this.enter('stopped')
  }

  private async connect(connect: () => Promise<ProtocolAdapter>): Promise<ProtocolAdapter | undefined> {
    try {
      this.adapter = await connect()
      this.lastError = undefined
      this.enter('connected')
      return this.adapter
    } catch (error) {
      this.failed(asEdgeError(error), 'disconnected')
      return undefined
    }
  }

  private async sendNext(adapter: ProtocolAdapter): Promise<'sent' | 'nothing' | 'failed'> {
    const { lanes, policy } = this.options
    for (const queue of lanes) {
      let entries = queue.take(policy.maxBatchBytes)
      if (entries.length === 0) {
        this.report(queue)
        continue
      }
      if (policy.lingerMs > 0 && !this.backoff.failing && totalSize(entries) < SMALL_BATCH_BYTES) {
        queue.keep(entries)
        await this.sleeper.pause(policy.lingerMs)
        entries = queue.take(policy.maxBatchBytes)
      }
      return this.send(adapter, queue, entries)
    }
    return 'nothing'
  }

  private async send(adapter: ProtocolAdapter, queue: LaneQueue, entries: Entry[]): Promise<'sent' | 'failed'> {
    const { sender, clock } = this.options
    // While the batch is out the cursor must not pass it, whatever is reported meanwhile.
    queue.keep(entries)
    const result = await sender.send(adapter, entries)
    queue.keep(result.kept)
    for (const settled of [result.delivered, result.expired, result.foreign, result.dead, result.parked])
      queue.settle(settled)
    queue.cursor.delivered += result.delivered.length
    queue.cursor.expired += result.expired.length
    queue.cursor.dead += result.dead.length
    const last = result.delivered.at(-1)
    if (last !== undefined) this.lastLatencyMs = clock.runningMs() - last.record.runningMs
    const expired = lostRanges(
      result.expired.map(({ record }) => record.seq),
      'expired',
    )
    this.report(queue, result.deadLetters, result.held, [], expired)
    if (result.error === undefined) {
      this.backoff.succeeded()
      this.lastError = undefined
      this.enter('connected')
      return 'sent'
    }
    this.failed(result.error, result.accepted ? 'degraded' : 'disconnected')
    // Where nothing at all was taken the connection itself is doubtful: the next attempt starts with a new one.
    if (!result.accepted) await this.drop()
    return 'failed'
  }

  /** Tries the oldest held messages of one route; true if some of them have gone. */
  private async probeHeld(adapter: ProtocolAdapter): Promise<boolean> {
    const { held, clock, sender, lanes, policy } = this.options
    const due = held.due(clock.runningMs())
    const queue = lanes.find((lane) => lane.lane === due?.rows[0]?.lane)
    if (due === undefined || queue === undefined) return false
    const probed = await probeRoute({
      ...due,
      adapter,
      sender,
      overdueMs: clock.runningMs() - policy.holdForMs,
      reason: held.error,
    })
    queue.cursor.delivered += probed.delivered
    queue.cursor.dead += probed.deadLetters.length
    if (probed.released.length > 0) this.report(queue, probed.deadLetters, [], probed.released)
    held.released(due.route, probed.released.length, probed.open)
    return probed.open
  }

  private expireWhileDown(): void {
    const { clock, policy, lanes } = this.options
    const now = clock.runningMs()
    if (policy.maxAgeMs === null || now < this.nextExpiryMs) return
    this.nextExpiryMs = now + EXPIRE_EVERY_MS
    for (const queue of lanes) {
      const given = queue.giveUp(Infinity, now - policy.maxAgeMs)
      queue.cursor.expired += given.messages
      this.report(queue, [], [], [], lostRanges(given.seqs, 'expired'))
    }
  }

  private report(
    queue: LaneQueue,
    deadLetters: DeadLetterInput[] = [],
    held: HeldInput[] = [],
    released: number[] = [],
    lost: LostRange[] = [],
  ): void {
    const moved = queue.report()
    if (moved === undefined && deadLetters.length + held.length + released.length === 0) return
    this.options.reporter.report({ cursor: moved ?? { ...queue.cursor }, deadLetters, held, released, lost })
  }

  private async drop(): Promise<void> {
    const { adapter } = this
    this.adapter = undefined
    await adapter?.disconnect()
  }

  private failed(error: EdgeError, state: CircuitState): void {
    this.lastError = error
    this.enter(state)
    this.options.logger.warn(
      { code: error.code, subject: this.name, err: error, hint: error.hint },
      `destination ${this.name}: ${error.message}`,
    )
  }

  private enter(state: CircuitState): void {
    if (state === this.state) return
    this.state = state
    this.sinceMs = this.options.clock.wallMs()
    this.options.logger.info({ subject: this.name, state }, `destination ${this.name} is ${state}`)
  }
}

function totalSize(entries: readonly Entry[]): number {
  let sum = 0
  for (const entry of entries) sum += sizeOf(entry)
  return sum
}

function asEdgeError(error: unknown): EdgeError {
  return error instanceof EdgeError ? error : new EdgeError('internal', messageOf(error), { cause: error })
}

function describeError(error: EdgeError): DestinationStatus['lastError'] {
  return { code: error.code, message: error.message, hint: error.hint }
}

import { EdgeError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Timers } from '../../core/timers.ts'
import type { OutgoingAdapter } from '../../protocols/adapter.ts'
import type { RunningClock } from '../../store/log/running-clock.ts'
import type { DestinationStatus } from '../forwarder-messages.ts'
import type { SettlementReporter } from '../thread/reporter.ts'
import { Backoff } from './backoff.ts'
import type { BatchSender } from './batch-sender.ts'
import type { DestinationPolicy } from './destination-policy.ts'
import { DestinationState } from './destination-state.ts'
import { probeRoute } from './held-probe.ts'
import type { HeldRoutes } from './held-routes.ts'
import { type Entry, type LaneQueue, sizeOf } from './lane-queue.ts'
import { LaneSettlement } from './lane-settlement.ts'
import { Sleeper } from './sleeper.ts'

export interface DestinationLoopOptions {
  name: string
  protocol: string
  /** Resolves to an adapter that is connected; undefined when the destination is no longer configured. */
  connect: (() => Promise<OutgoingAdapter>) | undefined
  lanes: LaneQueue[]
  held: HeldRoutes
  sender: BatchSender
  reporter: SettlementReporter
  policy: DestinationPolicy
  clock: RunningClock
  timers: Timers
  logger: Logger
  /** Draws the jitter of the pauses between attempts. */
  random?: () => number
}

/**
 * A smaller batch waits `lingerMs` for more messages: without it the figure `forward` of the bench rises, because a send of one message
 * costs many times the processor time of its share in a batch.
 */
const SMALL_BATCH_BYTES = 64 * 1024
const IDLE_MS = 1_000
const EXPIRE_EVERY_MS = 10_000
/** Settlements that the writer may not have confirmed before the loop waits for it. */
const MAX_UNCONFIRMED = 32

/** The loop of one destination: log → batch → destination → settlement. It never waits for another destination. */
export class DestinationLoop {
  readonly name: string
  readonly policy: DestinationPolicy
  private readonly options: DestinationLoopOptions
  private readonly state: DestinationState
  private readonly settlement: LaneSettlement
  private readonly backoff: Backoff
  private readonly sleeper: Sleeper
  private adapter: OutgoingAdapter | undefined
  private nextExpiryMs = 0
  private isStopped = false
  private running: Promise<void> = Promise.resolve()

  constructor(options: DestinationLoopOptions) {
    const { name, policy, lanes, reporter, logger, timers, random } = options
    this.options = options
    this.name = name
    this.policy = policy
    this.state = new DestinationState(options)
    this.settlement = new LaneSettlement(name, lanes, reporter, logger)
    this.backoff = new Backoff(policy.retry.minMs, policy.retry.maxMs, random)
    this.sleeper = new Sleeper(timers)
  }

  /** `onFailure` gets an error that is not the destination's and has ended the loop. */
  start(onFailure: (error: unknown) => void): void {
    this.running = this.run().catch(onFailure)
  }

  /** The log may have new messages. */
  wake(): void {
    this.sleeper.wake()
  }

  /** Finishes the send that is outstanding and sends nothing more. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.sleeper.stop()
    await this.running
    await this.closeAdapter()
  }

  /** Gives up the oldest messages that are not in flight; returns the bytes that are free now. */
  discard(bytes: number): number {
    return this.settlement.discard(bytes)
  }

  /** Messages that need no more work here, counted since the destination was first configured. */
  settled(): { messages: number; bytes: number } {
    return this.settlement.totals()
  }

  /** `queued` is the backlog without the messages that are held. */
  status(queued: { messages: number; bytes: number }): DestinationStatus {
    return this.state.status(queued)
  }

  private async run(): Promise<void> {
    const { connect, reporter } = this.options
    if (connect === undefined) return this.state.enter('stopped')
    while (!this.isStopped) {
      const adapter = this.adapter ?? (await this.tryConnect(connect))
      if (adapter === undefined) {
        this.expireWhileDown()
        await this.sleeper.pause(this.backoff.nextDelayMs())
        continue
      }
      if (reporter.unconfirmedCount > MAX_UNCONFIRMED) await reporter.flushed()
      const probed = await this.probeHeld(adapter)
      const sent = await this.sendNext(adapter)
      if (sent === 'failed') await this.sleeper.pause(this.backoff.nextDelayMs())
      else if (sent === 'nothing' && !probed) await this.sleeper.idle(IDLE_MS)
    }
    this.state.enter('stopped')
  }

  private async tryConnect(connect: () => Promise<OutgoingAdapter>): Promise<OutgoingAdapter | undefined> {
    try {
      this.adapter = await connect()
      this.state.succeed()
      return this.adapter
    } catch (error) {
      this.state.fail(asEdgeError(error), 'disconnected')
      return undefined
    }
  }

  /** Sends a batch of the first lane that has messages. */
  private async sendNext(adapter: OutgoingAdapter): Promise<'sent' | 'nothing' | 'failed'> {
    const { lanes, policy } = this.options
    for (const queue of lanes) {
      let entries = queue.takeBatch(policy.maxBatchBytes)
      if (entries.length === 0) {
        this.settlement.report(queue)
        continue
      }
      if (policy.lingerMs > 0 && !this.backoff.isFailing && totalSize(entries) < SMALL_BATCH_BYTES) {
        queue.setInFlight(entries)
        await this.sleeper.pause(policy.lingerMs)
        entries = queue.takeBatch(policy.maxBatchBytes)
      }
      return this.send(adapter, queue, entries)
    }
    return 'nothing'
  }

  private async send(adapter: OutgoingAdapter, queue: LaneQueue, entries: Entry[]): Promise<'sent' | 'failed'> {
    const { sender, clock } = this.options
    // Until the batch is settled the cursor must not pass it, even if the lane is reported meanwhile.
    queue.setInFlight(entries)
    const result = await sender.send(adapter, entries)
    const last = result.delivered.at(-1)
    if (last !== undefined) this.state.lastLatencyMs = clock.runningMs() - last.record.runningMs
    this.settlement.settle(queue, result)
    if (result.error === undefined) {
      this.backoff.reset()
      this.state.succeed()
      return 'sent'
    }
    this.state.fail(result.error, result.accepted ? 'degraded' : 'disconnected')
    // Where nothing at all was accepted the connection itself is doubtful: the next attempt starts with a new one.
    if (!result.accepted) await this.closeAdapter()
    return 'failed'
  }

  /** Tries the oldest held messages of one route; true if some of them have left it. */
  private async probeHeld(adapter: OutgoingAdapter): Promise<boolean> {
    const { held, clock, sender, lanes, policy } = this.options
    const due = held.nextDue(clock.runningMs())
    const queue = lanes.find((lane) => lane.lane === due?.rows[0]?.lane)
    if (due === undefined || queue === undefined) return false
    const { released, deadLetters, delivered, isOpening } = await probeRoute({
      ...due,
      adapter,
      sender,
      overdueMs: clock.runningMs() - policy.holdForMs,
      reason: held.error,
    })
    queue.cursor.delivered += delivered
    queue.cursor.dead += deadLetters.length
    if (released.length > 0) this.settlement.report(queue, { deadLetters, released })
    held.release(due.route, released.length, isOpening)
    return isOpening
  }

  private expireWhileDown(): void {
    const { clock, policy } = this.options
    const now = clock.runningMs()
    if (policy.maxAgeMs === null || now < this.nextExpiryMs) return
    this.nextExpiryMs = now + EXPIRE_EVERY_MS
    this.settlement.expire(now - policy.maxAgeMs)
  }

  private async closeAdapter(): Promise<void> {
    const { adapter } = this
    this.adapter = undefined
    await adapter?.disconnect()
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

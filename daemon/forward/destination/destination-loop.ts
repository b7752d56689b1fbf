import { Backoff } from '../../core/backoff.ts'
import type { Logger } from '../../core/logger.ts'
import type { Lane } from '../../core/message.ts'
import type { Timers } from '../../core/timers.ts'
import type { OutgoingAdapter } from '../../protocols/adapter.ts'
import type { RunningClock } from '../../store/log/running-clock.ts'
import type { DestinationStatus } from '../forwarder-messages.ts'
import type { SettlementReporter } from '../thread/reporter.ts'
import { asEdgeError, type BatchSender } from './batch-sender.ts'
import type { DestinationPolicy } from './destination-policy.ts'
import { type Backlog, DestinationState } from './destination-state.ts'
import type { HeldRoutes } from './held-routes.ts'
import type { HeldSender } from './held-sender.ts'
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
  heldSender: HeldSender
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
/** Between two looks for messages that have expired, or that were held for too long. */
const EXPIRE_EVERY_MS = 5_000
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

  start(): void {
    this.running = this.run()
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

  /** Running time at which the oldest message in memory was received; undefined where there is none. */
  get oldestRunningMs(): number | undefined {
    const known = this.options.lanes.flatMap((lane) => lane.oldestRunningMs ?? [])
    return known.length === 0 ? undefined : Math.min(...known)
  }

  /** For each lane the sequence number below which everything is settled. */
  get lows(): { lane: Lane; low: number }[] {
    return this.options.lanes.map(({ lane, cursor }) => ({ lane, low: cursor.low }))
  }

  status(queued: Backlog): DestinationStatus {
    return this.state.status(queued)
  }

  /** Dead letters are to be sent again. */
  replay(): void {
    this.options.held.lookForReplays()
    this.sleeper.wake()
  }

  /** Gives up everything that waits here; returns the number of deliveries. */
  discardAll(): number {
    return this.settlement.discardAll(this.options.held)
  }

  private async run(): Promise<void> {
    const { connect } = this.options
    if (connect === undefined) return this.state.enter('stopped')
    while (!this.isStopped) {
      try {
        await this.runOnce(connect)
      } catch (error) {
        // A fault of the gateway itself: it is shown, and the loop goes on after a pause, so that it is not the end of the destination.
        this.state.fail(asEdgeError(error), 'disconnected')
        await this.sleeper.pause(this.backoff.nextDelayMs())
      }
    }
    this.state.enter('stopped')
  }

  private async runOnce(connect: () => Promise<OutgoingAdapter>): Promise<void> {
    const { reporter, held } = this.options
    held.confirmed(reporter.confirmed)
    this.expire()
    const adapter = this.adapter ?? (await this.tryConnect(connect))
    if (adapter === undefined) return this.sleeper.pause(this.backoff.nextDelayMs())
    if (reporter.unconfirmedCount > MAX_UNCONFIRMED) await reporter.flushed()
    held.confirmed(reporter.confirmed)
    // It may have been stopped while it connected, waited or sent: the rest is the next loop's.
    if (this.isStopped) return
    const isOpening = await this.sendHeld(adapter)
    if (this.isStopped) return
    const sent = await this.sendNext(adapter)
    if (sent === 'failed') await this.sleeper.pause(this.backoff.nextDelayMs())
    else if (sent === 'nothing' && !isOpening) await this.sleeper.idle(IDLE_MS)
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
        if (this.isStopped) return 'nothing'
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
    const result = await this.timed(sender.send(adapter, entries))
    const { deliveredRunningMs } = result
    if (deliveredRunningMs !== undefined) this.state.lastLatencyMs = clock.runningMs() - deliveredRunningMs
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

  /** Tries held deliveries once more; true if some of them have left their route. */
  private async sendHeld(adapter: OutgoingAdapter): Promise<boolean> {
    const { held, heldSender, clock } = this.options
    const rows = held.nextProbe(clock.runningMs())
    if (rows.length === 0) return false
    const results = await this.timed(heldSender.send(adapter, rows))
    this.settlement.settleHeld(held, results)
    return results.some(({ isReleased }) => isReleased)
  }

  /** Settles what has waited for too long, whether or not the destination answers. */
  private expire(): void {
    const { clock, policy, held, heldSender } = this.options
    const now = clock.runningMs()
    if (now < this.nextExpiryMs) return
    this.nextExpiryMs = now + EXPIRE_EVERY_MS
    this.settlement.settleHeld(held, heldSender.expire(held.overdue(now - policy.holdForMs)))
    if (policy.maxAgeMs !== null && this.adapter === undefined) this.settlement.expire(now - policy.maxAgeMs)
  }

  /** Notes how long a send has been outstanding. */
  private async timed<Value>(send: Promise<Value>): Promise<Value> {
    this.state.sendBegins()
    try {
      return await send
    } finally {
      this.state.sendEnds()
    }
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

import type { EdgeError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { RunningClock } from '../../store/log/running-clock.ts'
import type { CircuitState, DestinationStatus } from '../forwarder-messages.ts'
import type { HeldRoutes } from './held-routes.ts'
import type { LaneQueue } from './lane-queue.ts'

export interface DestinationStateOptions {
  name: string
  protocol: string
  lanes: readonly LaneQueue[]
  held: HeldRoutes
  clock: RunningClock
  logger: Logger
}

/** Messages of the log that a destination has still to settle. */
export interface Backlog {
  messages: number
  bytes: number
  oldestRunningMs: number | undefined
}

/** A destination that has not answered a send for this long is stalled. */
const STALLED_MS = 5_000
const MAX_ROUTES_SHOWN = 20

/** The state of one destination as operators see it; every change is logged. */
export class DestinationState {
  /** Milliseconds from receipt to confirmation, of the last batch. */
  lastLatencyMs: number | null = null
  private readonly options: DestinationStateOptions
  private circuit: CircuitState = 'connecting'
  private sinceMs: number
  private lastError: EdgeError | undefined
  /** Running time at which the outstanding send began; undefined while none is. */
  private sendingSinceMs: number | undefined

  constructor(options: DestinationStateOptions) {
    this.options = options
    this.sinceMs = options.clock.wallMs()
  }

  succeed(): void {
    this.lastError = undefined
    this.enter('connected')
  }

  fail(error: EdgeError, circuit: CircuitState): void {
    const { name, logger } = this.options
    this.lastError = error
    this.enter(circuit)
    logger.warn(
      { code: error.code, subject: name, err: error, hint: error.hint },
      `destination ${name}: ${error.message}`,
    )
  }

  sendBegins(): void {
    this.sendingSinceMs = this.options.clock.runningMs()
  }

  sendEnds(): void {
    this.sendingSinceMs = undefined
  }

  enter(circuit: CircuitState): void {
    if (circuit === this.circuit) return
    const { name, clock, logger } = this.options
    this.circuit = circuit
    this.sinceMs = clock.wallMs()
    logger.info({ subject: name, state: circuit }, `destination ${name} is ${circuit}`)
  }

  /** `queued` is the backlog without the deliveries that are held; its oldest message was received at `oldestRunningMs`. */
  status(queued: Backlog): DestinationStatus {
    const { name, protocol, lanes, held, clock } = this.options
    const sum = (pick: (lane: LaneQueue) => number): number => lanes.reduce((total, lane) => total + pick(lane), 0)
    const error = this.lastError ?? held.error
    const { oldestRunningMs } = queued
    return {
      name,
      protocol,
      state: this.shownState(),
      sinceMs: this.sinceMs,
      lastError: error === undefined ? null : { code: error.code, message: error.message, hint: error.hint },
      queued: queued.messages + held.count,
      queuedBytes: queued.bytes,
      held: held.count,
      heldRoutes: held.closedRoutes.slice(0, MAX_ROUTES_SHOWN),
      oldestMs: oldestRunningMs === undefined ? null : clock.runningMs() - oldestRunningMs,
      delivered: sum((lane) => lane.cursor.delivered),
      deadLettered: sum((lane) => lane.cursor.dead),
      expired: sum((lane) => lane.cursor.expired),
      dropped: sum((lane) => lane.cursor.dropped),
      damagedBytes: sum((lane) => lane.damagedBytes),
      lastLatencyMs: this.lastLatencyMs,
    }
  }

  private shownState(): CircuitState {
    const { held, clock } = this.options
    if (this.circuit !== 'connected') return this.circuit
    if (this.sendingSinceMs !== undefined && clock.runningMs() - this.sendingSinceMs >= STALLED_MS) return 'stalled'
    return held.closedRoutes.length > 0 ? 'degraded' : 'connected'
  }
}

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

/** The state of one destination as operators see it; every change is logged. */
export class DestinationState {
  /** Milliseconds from receipt to confirmation, of the last batch. */
  lastLatencyMs: number | null = null
  private readonly options: DestinationStateOptions
  private circuit: CircuitState = 'connecting'
  private sinceMs: number
  private lastError: EdgeError | undefined

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

  enter(circuit: CircuitState): void {
    if (circuit === this.circuit) return
    const { name, clock, logger } = this.options
    this.circuit = circuit
    this.sinceMs = clock.wallMs()
    logger.info({ subject: name, state: circuit }, `destination ${name} is ${circuit}`)
  }

  /** `queued` is the backlog without the messages that are held. */
  status(queued: { messages: number; bytes: number }): DestinationStatus {
    const { name, protocol, lanes, held, clock } = this.options
    const sum = (pick: (lane: LaneQueue) => number): number => lanes.reduce((total, lane) => total + pick(lane), 0)
    const oldest = Math.min(...lanes.map((lane) => lane.oldestRunningMs ?? Infinity))
    const error = this.lastError ?? held.error
    return {
      name,
      protocol,
      state: this.circuit === 'connected' && held.count > 0 ? 'degraded' : this.circuit,
      sinceMs: this.sinceMs,
      lastError: error === undefined ? null : { code: error.code, message: error.message, hint: error.hint },
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
}

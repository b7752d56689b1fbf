import { EdgeError } from '../core/errors.ts'
import { settledWithin, type Timers } from '../core/timers.ts'
import { Turns } from '../core/turns.ts'

/** Ends one thing that was started; must not take longer than `timeoutMs`. */
type StopStep = (timeoutMs: number) => unknown

/** Time for a step that is registered after the stop has begun. */
const LATE_STEP_MS = 1_000

/**
 * The life of one gateway, one step at a time: start and reloads run in the order in which they were asked for, the stop overtakes
 * them. Ends what was started in the reverse order of starting, so that nothing outlives what it needs.
 */
export class Lifecycle {
  private readonly timers: Timers
  private readonly steps: StopStep[] = []
  private readonly turns = new Turns()
  private stopped: Promise<void> | undefined

  constructor(timers: Timers) {
    this.timers = timers
  }

  /** Runs `work` when the work before it has ended. Rejects with `shutting-down` once the stop has begun. */
  inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    return this.turns.run(() => {
      this.ensureRunning()
      return work()
    })
  }

  /** To be called after each wait of a start or a reload. Throws `shutting-down` once the stop has begun. */
  ensureRunning(): void {
    if (this.stopped !== undefined) throw new EdgeError('shutting-down', 'The gateway is stopping.')
  }

  /** Must be called as soon as something is started. Runs the step at once where the stop has begun before. */
  onStop(step: StopStep): void {
    if (this.stopped === undefined) this.steps.push(step)
    else {
      // After the others, whether or not they failed; their failure stays that of the stop.
      const before = this.stopped
      this.stopped = before.finally(() => step(LATE_STEP_MS))
      this.stopped.catch(() => undefined)
    }
  }

  /** Runs the steps once; further calls wait for the same end. Runs every step, then rejects with the first error. */
  stop(timeoutMs: number): Promise<void> {
    this.stopped ??= this.runSteps(timeoutMs)
    return this.stopped
  }

  /** Waits for the promise at most `timeoutMs` and ignores its outcome, so that one step that hangs does not keep the others from running. */
  within(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
    return settledWithin(this.timers, promise, timeoutMs)
  }

  private async runSteps(timeoutMs: number): Promise<void> {
    const errors: unknown[] = []
    for (const step of this.steps.toReversed()) {
      try {
        await step(timeoutMs)
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}

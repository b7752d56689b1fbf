import { settledWithin, type Timers } from '../core/timers.ts'

/** Ends one thing that was started; must not take longer than `timeoutMs`. */
type StopStep = (timeoutMs: number) => unknown

/** Ends what was started in the reverse order of starting, so that nothing outlives what it needs. */
export class Lifecycle {
  private readonly timers: Timers
  private readonly steps: StopStep[] = []
  private stopped: Promise<void> | undefined

  constructor(timers: Timers) {
    this.timers = timers
  }

  /** Must be called as soon as something is started. */
  onStop(step: StopStep): void {
    this.steps.push(step)
  }

  /** Runs the steps once; further calls wait for the same end. Runs every step, then rejects with the first error. */
  stop(timeoutMs: number): Promise<void> {
    return (this.stopped ??= this.runSteps(timeoutMs))
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

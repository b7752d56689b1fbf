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

  /** To be called as soon as something is started. */
  onStop(step: StopStep): void {
    this.steps.push(step)
  }

  /** Once: whoever asks again waits for the same end. Rejects with what a step has thrown, after all the others have run. */
  stop(timeoutMs: number): Promise<void> {
    return (this.stopped ??= this.runSteps(timeoutMs))
  }

  /** The promise's outcome is not looked at; a stop that hangs must not keep the rest from ending. */
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

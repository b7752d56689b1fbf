import { setTimeout } from 'node:timers/promises'

const PAUSE_MS = 2

/** Between two steps of a few milliseconds each: time for what came meanwhile, and for what that brings with it. */
export function turn(): Promise<void> {
  return setTimeout(PAUSE_MS)
}

/** So long everything else may be kept waiting. */
const SLICE_MS = 3

/** Takes the steps of a piece of work, each of well under a millisecond, with pauses for everything else. Resolves to its result. */
export async function inTurns<Result>(steps: Iterator<unknown, Result, undefined>): Promise<Result> {
  let startedAt = performance.now()
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value
    if (performance.now() - startedAt < SLICE_MS) continue
    await turn()
    startedAt = performance.now()
  }
}

/** The same at once, for whoever cannot wait. */
export function atOnce<Result>(steps: Iterator<unknown, Result, undefined>): Result {
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value
}

import { setTimeout } from 'node:timers/promises'

const PAUSE_MS = 2

/** Pauses between two slices of work, so that the event loop can serve what has arrived and what follows from it. */
export function turn(): Promise<void> {
  return setTimeout(PAUSE_MS)
}

/** Longest time for which work may block the event loop. */
const SLICE_MS = 3

/** Runs work whose steps take well under a millisecond each, with pauses in between. Resolves to its result. */
export async function inTurns<Result>(steps: Iterator<unknown, Result, undefined>): Promise<Result> {
  let startedAt = performance.now()
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value
    if (performance.now() - startedAt < SLICE_MS) continue
    await turn()
    startedAt = performance.now()
  }
}

/** Runs the steps of such work without pauses. */
export function atOnce<Result>(steps: Iterator<unknown, Result, undefined>): Result {
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value
}

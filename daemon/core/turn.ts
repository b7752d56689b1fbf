import { setTimeout } from 'node:timers/promises'

const PAUSE_MS = 2

/** Between two steps of a few milliseconds each: time for what came meanwhile, and for what that brings with it. */
export function turn(): Promise<void> {
  return setTimeout(PAUSE_MS)
}

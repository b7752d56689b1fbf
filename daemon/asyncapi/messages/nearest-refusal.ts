import type { Violation } from '../../core/message.ts'
import { pointerSegments } from '../contract/json-pointer.ts'

/** Keywords by which a payload shows that it means to be another message. */
const DISCRIMINATING = new Set(['const', 'enum', 'false schema'])

/**
 * Where several messages refuse a payload, the one to tell about: the deepest fault wins, then one that is not a
 * discriminator's, then the fewest. The first of equals.
 */
export function nearestRefusal<T extends { errors: readonly Violation[] }>(refusals: readonly T[]): T | undefined {
  let nearest: T | undefined
  for (const refusal of refusals) {
    if (nearest === undefined || compare(refusal.errors, nearest.errors) > 0) nearest = refusal
  }
  return nearest
}

function compare(a: readonly Violation[], b: readonly Violation[]): number {
  return depthOf(a) - depthOf(b) || discriminators(b) - discriminators(a) || b.length - a.length
}

function depthOf(errors: readonly Violation[]): number {
  // Headers are looked at only after the payload has passed: nothing is nearer.
  return Math.max(
    -1,
    ...errors.map(({ pointer }) => (pointer.startsWith('$') ? 1_000 : pointerSegments(pointer).length)),
  )
}

function discriminators(errors: readonly Violation[]): number {
  return errors.filter((error) => DISCRIMINATING.has(error.keyword)).length
}

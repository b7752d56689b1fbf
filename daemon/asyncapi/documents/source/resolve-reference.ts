import { childOf, pointerSegments, escapeSegment, isRecord } from '../../contract/json-pointer.ts'

const MAX_HOPS = 50
const MAX_KEY_SEGMENTS = 8

/** A value after its references were followed, and the pointer to its real place. */
export interface Resolved {
  readonly value: unknown
  readonly pointer: string
}

/** The JSON pointer of a reference such as `#/components/…`, percent-decoded; undefined if it leaves the document. */
export function pointerOf(reference: string): string | undefined {
  if (!reference.startsWith('#/')) return undefined
  try {
    return decodeURIComponent(reference.slice(1))
  } catch {
    // A % that begins no valid escape is part of the name.
    return reference.slice(1)
  }
}

/** The text of a Reference Object's `$ref`, or undefined. */
export function referenceIn(value: unknown): string | undefined {
  return isRecord(value) && typeof value['$ref'] === 'string' ? value['$ref'] : undefined
}

/**
 * Follows the reference that a value may be, and references on the path to its target. Returns undefined for a reference
 * without a target and for references that form a circle.
 */
export function resolve(root: unknown, value: unknown, pointer: string): Resolved | undefined {
  return follow(root, value, pointer, { left: MAX_HOPS })
}

/** The value at a pointer of the document; follows references on the path and at its end. */
export function resolvePointer(root: unknown, pointer: string): Resolved | undefined {
  return walk(root, pointer, { left: MAX_HOPS })
}

interface Hops {
  left: number
}

function follow(root: unknown, value: unknown, pointer: string, hops: Hops): Resolved | undefined {
  const reference = referenceIn(value)
  if (reference === undefined) return { value, pointer }
  const target = pointerOf(reference)
  if (target === undefined || --hops.left < 0) return undefined
  return walk(root, target, hops)
}

function walk(root: unknown, pointer: string, hops: Hops): Resolved | undefined {
  let current: Resolved = { value: root, pointer: '' }
  const segments = pointerSegments(pointer)
  for (let next = 0; next < segments.length;) {
    // First as written, so that a property named $ref is reached; else by the reference at this place.
    const here =
      stepDown(current, segments, next) === undefined ? follow(root, current.value, current.pointer, hops) : current
    const step = here === undefined ? undefined : stepDown(here, segments, next)
    if (step === undefined) return undefined
    current = step.to
    next = step.next
  }
  return follow(root, current.value, current.pointer, hops)
}

/** Steps down by one segment, or by several at once: some generators do not escape slashes in keys. */
function stepDown(
  from: Resolved,
  segments: readonly string[],
  first: number,
): { to: Resolved; next: number } | undefined {
  const last = Math.min(segments.length, first + MAX_KEY_SEGMENTS)
  for (let next = first + 1; next <= last; next++) {
    const key = segments.slice(first, next).join('/')
    const value = childOf(from.value, key)
    if (value !== undefined) return { to: { value, pointer: `${from.pointer}/${escapeSegment(key)}` }, next }
  }
  return undefined
}

import { childOf, pointerSegments } from '../../contract/json-pointer.ts'
import { escapeSegment, isRecord } from '../../schemas/schema-keywords.ts'

const MAX_HOPS = 50
const MAX_KEY_SEGMENTS = 8

/** A value and the place where it really stands, after references. */
export interface Resolved {
  readonly value: unknown
  readonly pointer: string
}

/** `#/components/…` → its JSON pointer, percent-decoded; undefined if it leaves the document. */
export function pointerOf(reference: string): string | undefined {
  if (!reference.startsWith('#/')) return undefined
  try {
    return decodeURIComponent(reference.slice(1))
  } catch {
    // A lone % is what the author wrote, not an escape.
    return reference.slice(1)
  }
}

/** The text of a Reference Object's `$ref`, or undefined. */
export function referenceIn(value: unknown): string | undefined {
  return isRecord(value) && typeof value['$ref'] === 'string' ? value['$ref'] : undefined
}

/**
 * Follows references from a value, also those that stand on the way to their target. undefined where one leads nowhere
 * or round in a circle.
 */
export function resolve(root: unknown, value: unknown, pointer: string): Resolved | undefined {
  return follow(root, value, pointer, { left: MAX_HOPS })
}

/** The value at a pointer of the document, references followed. */
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
    // A reference on the way is followed; a property that is called $ref is reached as it stands.
    const here =
      stepDown(current, segments, next) === undefined ? follow(root, current.value, current.pointer, hops) : current
    const step = here === undefined ? undefined : stepDown(here, segments, next)
    if (step === undefined) return undefined
    current = step.to
    next = step.next
  }
  return follow(root, current.value, current.pointer, hops)
}

/** Down by one segment, or by several: generators write keys that hold a slash without escaping it. */
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

/** True for a JSON object: neither null nor an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Escapes one segment of a JSON pointer (RFC 6901, section 3). */
export function escapeSegment(text: string): string {
  return text.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** Splits a JSON pointer (RFC 6901) into unescaped segments. */
export function pointerSegments(pointer: string): string[] {
  return pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The property or item of that name; inherited properties and array methods do not count. */
export function childOf(value: unknown, segment: string): unknown {
  if (Array.isArray(value)) return /^(?:0|[1-9]\d{0,8})$/.test(segment) ? value[Number(segment)] : undefined
  return isRecord(value) && Object.hasOwn(value, segment) ? value[segment] : undefined
}

/** The value that the segments lead to, or undefined. */
export function readSegments(value: unknown, segments: readonly string[]): unknown {
  let current = value
  for (const segment of segments) {
    current = childOf(current, segment)
    if (current === undefined) return undefined
  }
  return current
}

/** The value at a JSON pointer, or undefined. */
export function readPointer(value: unknown, pointer: string): unknown {
  return readSegments(value, pointerSegments(pointer))
}

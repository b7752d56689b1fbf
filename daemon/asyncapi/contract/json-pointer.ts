import { isRecord } from '../schemas/schema-keywords.ts'

/** Segments of a JSON pointer (RFC 6901), unescaped. */
export function pointerSegments(pointer: string): string[] {
  return pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** One step down; only own properties and existing items count. */
export function childOf(value: unknown, segment: string): unknown {
  if (Array.isArray(value)) return /^(?:0|[1-9]\d{0,8})$/.test(segment) ? value[Number(segment)] : undefined
  return isRecord(value) && Object.hasOwn(value, segment) ? value[segment] : undefined
}

/** The value at a pointer, or undefined. */
export function readPointer(value: unknown, pointer: string): unknown {
  let current = value
  for (const segment of pointerSegments(pointer)) {
    current = childOf(current, segment)
    if (current === undefined) return undefined
  }
  return current
}

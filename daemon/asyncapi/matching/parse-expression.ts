import { childOf, pointerSegments } from '../contract/json-pointer.ts'

/** An AsyncAPI runtime expression, such as `$message.payload#/sensor/id`. */
export interface RuntimeExpression {
  readonly source: 'payload' | 'header'
  readonly segments: readonly string[]
  /** The JSON pointer behind `#`. */
  readonly pointer: string
}

/** undefined if the text is not a runtime expression. */
export function parseExpression(text: string): RuntimeExpression | undefined {
  const match = /^\$message\.(payload|header)#((?:\/[^{}]*)?)$/.exec(text.trim())
  const [, source, pointer = ''] = match ?? []
  if (source !== 'payload' && source !== 'header') return undefined
  if (/~(?![01])/.test(pointer) || (source === 'header' && pointer === '')) return undefined
  return { source, pointer, segments: pointerSegments(pointer) }
}

/** The value that an expression names in a payload or in headers, or undefined. */
export function evaluate(expression: RuntimeExpression, value: unknown): unknown {
  let current = value
  for (const segment of expression.segments) {
    current = childOf(current, segment)
    if (current === undefined) return undefined
  }
  return current
}

/** Texts, numbers and booleans as text; undefined for everything else. */
export function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

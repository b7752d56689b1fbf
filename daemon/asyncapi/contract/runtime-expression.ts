import { pointerSegments, readSegments } from './json-pointer.ts'

/** An AsyncAPI runtime expression, such as `$message.payload#/sensor/id`. */
export interface RuntimeExpression {
  readonly source: 'payload' | 'header'
  readonly segments: readonly string[]
  /** The JSON pointer after `#`. */
  readonly pointer: string
}

/** Returns undefined when the text is not a runtime expression. */
export function parseExpression(text: string): RuntimeExpression | undefined {
  const match = /^\$message\.(payload|header)#((?:\/[^{}]*)?)$/.exec(text.trim())
  const [, source, pointer = ''] = match ?? []
  if (source !== 'payload' && source !== 'header') return undefined
  if (/~(?![01])/.test(pointer) || (source === 'header' && pointer === '')) return undefined
  return { source, pointer, segments: pointerSegments(pointer) }
}

/** Reads the value that an expression names; `value` is the payload or the headers, by the expression's `source`. */
export function evaluate(expression: RuntimeExpression, value: unknown): unknown {
  return readSegments(value, expression.segments)
}

/** Strings, numbers and booleans as text; undefined for anything else. */
export function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

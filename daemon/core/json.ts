import { isUtf8 } from 'node:buffer'
import { asBuffer } from './bytes.ts'

/**
 * The JSON of these bytes as its author wrote it, on one line; undefined if it is none. Parsing and writing it again would change large
 * numbers and repeated keys. Newlines and tabs become spaces: strings cannot hold them unescaped, and between values a space means the
 * same (RFC 8259, sections 2 and 7).
 */
export function jsonText(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined
  const text = asBuffer(bytes).toString('utf8')
  return parseJson(text) === undefined ? undefined : text.replace(/[\n\r\t]/g, ' ')
}

/** Parses JSON text; undefined if it is not valid. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

declare global {
  interface JSON {
    /** ECMAScript proposal "JSON.parse source text access", in V8 since 11.4. */
    rawJSON(text: string): unknown
  }
}

/**
 * As `parseJson`, for values that are written again: numbers go out as their author wrote them, also those that a double cannot hold.
 */
export function parseJsonAsWritten(text: string): unknown {
  try {
    return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
      const source = context?.source
      return typeof value === 'number' && source !== undefined && source !== String(value)
        ? JSON.rawJSON(source)
        : value
    })
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

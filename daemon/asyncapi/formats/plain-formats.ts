/** The formats that need neither a library nor a schema: JSON, text and bytes. */
import { isUtf8 } from 'node:buffer'
import { asBuffer } from '../../core/bytes.ts'
import { showJsonFault } from '../../core/json-fault.ts'
import {
  DEFAULT_PAYLOAD_LIMITS,
  isJsonType,
  Undecodable,
  type PayloadFormat,
  type PayloadLimits,
} from './payload-format.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** JSON in UTF-8, bounded in size and depth before it is parsed. */
export function jsonFormat(limits: PayloadLimits = DEFAULT_PAYLOAD_LIMITS): PayloadFormat {
  return {
    reads: isJsonType,
    gives: 'json',
    decode(payload) {
      const { length } = payload
      if (length === 0) return new Undecodable('payload-not-json', 'a JSON text', 'an empty payload')
      if (length > limits.maxBytes) return tooLarge(length, limits)
      if (nestsDeeper(payload, limits.maxDepth)) {
        return new Undecodable('payload-too-deep', `at most ${limits.maxDepth} levels`, 'more levels')
      }
      if (!isUtf8(payload)) return new Undecodable('payload-not-json', 'a JSON text in UTF-8', 'other bytes')
      const text = textOf(payload)
      try {
        const value: unknown = JSON.parse(text)
        return value
      } catch {
        // The parser's message depends on the engine.
        return new Undecodable('payload-not-json', 'a JSON text', showJsonFault(text))
      }
    },
  }
}

/** `text/*` in UTF-8. */
export function textFormat(limits: PayloadLimits = DEFAULT_PAYLOAD_LIMITS): PayloadFormat {
  return {
    reads: (contentType) => contentType.startsWith('text/'),
    gives: 'text',
    decode(payload) {
      const { length } = payload
      if (length > limits.maxBytes) return tooLarge(length, limits)
      return isUtf8(payload) ? textOf(payload) : new Undecodable('payload-invalid', 'a text in UTF-8', 'other bytes')
    },
  }
}

/** Opaque bytes. */
export const binaryFormat: PayloadFormat = {
  reads: (contentType) => contentType === 'application/octet-stream',
  gives: 'bytes',
  decode: (payload) => payload,
}

/**
 * True if a JSON text nests deeper than `maxDepth`, without parsing it. One pass over the bytes counts the opening
 * brackets; only a text with more than `maxDepth` of them takes a second pass.
 */
function nestsDeeper(bytes: Uint8Array, maxDepth: number): boolean {
  if (bytes.length < 2 * maxDepth) return false
  let openings = 0
  for (let index = 0; index < bytes.length; index++) {
    // `[` and `{` differ in one bit.
    if (((bytes[index] ?? 0) | 0x20) === 0x7b) openings++
  }
  return openings > maxDepth && depthOf(bytes, maxDepth) > maxDepth
}

/** The depth of a JSON text; counting stops above `maxDepth`. */
function depthOf(bytes: Uint8Array, maxDepth: number): number {
  let depth = 0
  let inText = false
  for (let index = 0; index < bytes.length && depth <= maxDepth; index++) {
    const byte = bytes[index] ?? 0
    if (inText) {
      if (byte === BACKSLASH) index++
      else if (byte === QUOTE) inText = false
    } else if (byte === QUOTE) inText = true
    else if ((byte | 0x20) === 0x7b) depth++
    else if ((byte | 0x20) === 0x7d) depth--
  }
  return depth
}

function tooLarge(length: number, { maxBytes }: PayloadLimits): Undecodable {
  return new Undecodable('message-too-large', `at most ${maxBytes} bytes`, `${length} bytes`)
}

function textOf(payload: Uint8Array): string {
  return asBuffer(payload).toString('utf8')
}

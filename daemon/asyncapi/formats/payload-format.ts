import type { ErrorCode } from '../../core/errors.ts'
import type { Violation } from '../../core/message.ts'
import type { ContractMessage } from '../contract/contract.ts'

/** The answer of a decoder for bytes that are not of its format. */
export class Undecodable {
  readonly code: ErrorCode
  readonly violation: Violation

  constructor(code: ErrorCode, expected: string, actual: string, pointer = '', keyword = 'format') {
    this.code = code
    this.violation = { pointer, keyword, expected, actual }
  }
}

/** Turns bytes into a value. */
export interface PayloadReader {
  /** Never throws. Returns an `Undecodable` for bytes that are not of this format. */
  decode(payload: Uint8Array): unknown
}

/** A reader that is chosen by content type. */
export interface PayloadFormat extends PayloadReader {
  /** Whether it reads this content type (lower case, without parameters). */
  reads(contentType: string): boolean
  /** The kind of value that it decodes, which decides how the value is checked against a JSON Schema. */
  readonly gives: 'json' | 'text' | 'bytes'
}

export interface PayloadLimits {
  maxBytes: number
  maxDepth: number
}

export const DEFAULT_PAYLOAD_LIMITS: PayloadLimits = { maxBytes: 1024 * 1024, maxDepth: 64 }

/** `application/json; charset=utf-8` → `application/json`. */
export function mediaType(message: ContractMessage): string {
  return (message.contentType.split(';')[0] ?? '').trim().toLowerCase()
}

/** `text/plain; charset=UTF-8` → `utf-8`; undefined when the content type names no charset. */
export function charset(message: ContractMessage): string | undefined {
  return /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(message.contentType)?.[1]?.toLowerCase()
}

/** Whether a media type, as `mediaType` returns it, is JSON. A message without one is JSON. */
export function isJsonType(contentType: string): boolean {
  return contentType === '' || /^(?:(?:application|text)\/)?json$|\+json$/.test(contentType)
}

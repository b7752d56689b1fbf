import { isUtf8 } from 'node:buffer'
import { asBuffer } from '../../core/bytes.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { Violation } from '../../core/message.ts'
import type { ContractMessage } from '../contract/contract.ts'
import { shortText } from '../schemas/violation.ts'
import { nestsDeeper } from './json-depth.ts'

/** Why bytes are not a value of the format. */
export class Undecodable {
  readonly code: ErrorCode
  readonly violation: Violation

  constructor(code: ErrorCode, expected: string, actual: string, pointer = '', keyword = 'format') {
    this.code = code
    this.violation = { pointer, keyword, expected, actual }
  }
}

/** How bytes become a value. */
export interface PayloadReader {
  /** Never throws; an `Undecodable` where the bytes are not of this format. */
  decode(payload: Uint8Array): unknown
}

/** A reader chosen by content type. Another format is another implementation, handed to the validator. */
export interface PayloadFormat extends PayloadReader {
  /** Whether it reads messages of this content type (lower case, without parameters). */
  reads(contentType: string): boolean
  /** What it makes of bytes, which decides how that is held against a JSON Schema. */
  readonly gives: 'json' | 'text' | 'bytes'
}

export interface PayloadLimits {
  maxBytes: number
  maxDepth: number
}

export const DEFAULT_PAYLOAD_LIMITS: PayloadLimits = { maxBytes: 1024 * 1024, maxDepth: 64 }

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
        // The parser's own words would depend on the engine; the beginning of the text says more.
        return new Undecodable('payload-not-json', 'a JSON text', shortText(text.slice(0, 100)))
      }
    },
  }
}

/** `text/*`: UTF-8. */
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

/** Bytes that nobody looks into. */
export const binaryFormat: PayloadFormat = {
  reads: (contentType) => contentType === 'application/octet-stream',
  gives: 'bytes',
  decode: (payload) => payload,
}

/** `application/json; charset=utf-8` → `application/json`. */
export function mediaType(message: ContractMessage): string {
  return (message.contentType.split(';')[0] ?? '').trim().toLowerCase()
}

/** `text/plain; charset=utf-8` → `utf-8`, in lower case; undefined where none is named. */
export function charset(message: ContractMessage): string | undefined {
  return /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(message.contentType)?.[1]?.toLowerCase()
}

/** Of a media type as `mediaType` gives it. */
export function isJsonType(contentType: string): boolean {
  return contentType === '' || /^(?:(?:application|text)\/)?json$|\+json$/.test(contentType)
}

/** AsyncAPI's own schemas, JSON Schema and OpenAPI's schema objects. */
export function isJsonSchemaFormat(schemaFormat: string): boolean {
  return schemaFormat === '' || /^application\/(?:vnd\.aai\.asyncapi|schema|vnd\.oai\.openapi)\b/.test(schemaFormat)
}

function tooLarge(length: number, { maxBytes }: PayloadLimits): Undecodable {
  return new Undecodable('message-too-large', `at most ${maxBytes} bytes`, `${length} bytes`)
}

function textOf(payload: Uint8Array): string {
  return asBuffer(payload).toString('utf8')
}

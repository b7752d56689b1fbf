import type { PayloadSchema } from '../contract/contract.ts'
import { escapeSegment } from '../contract/json-pointer.ts'
import { shortText } from '../schemas/violation.ts'
import { DEFAULT_PAYLOAD_LIMITS, Undecodable, type PayloadReader } from './payload-format.ts'

/** A schema language that defines the encoding of payloads, too, as Avro and Protobuf do. */
export interface SchemaLanguage {
  describes(schemaFormat: string): boolean
  /** Throws an Error that says why the schema cannot be used. */
  compile(schema: PayloadSchema, use: SchemaUse): PayloadCodec
}

export interface SchemaUse {
  schemaFormat: string
  /** Lower case, without parameters. */
  contentType: string
  messageName: string
}

/** Reads and writes the payloads that one schema describes. */
export interface PayloadCodec extends PayloadReader {
  /** Encodes a JSON value. Throws SchemaMismatch. */
  encode(value: unknown): Uint8Array
}

export const MAX_PAYLOAD_BYTES = DEFAULT_PAYLOAD_LIMITS.maxBytes
export const MAX_PAYLOAD_DEPTH = DEFAULT_PAYLOAD_LIMITS.maxDepth

/** Thrown for a payload that does not match its Avro or Protobuf schema. */
export class SchemaMismatch extends Error {
  readonly pointer: string
  readonly keyword: string
  readonly expected: string
  readonly actual: string

  constructor(pointer: string, keyword: string, expected: string, actual: string) {
    super(`${pointer}: expected ${expected}, not ${actual}`)
    this.pointer = pointer
    this.keyword = keyword
    this.expected = expected.slice(0, 200)
    this.actual = actual
  }

  /** The value has another type. */
  static type(pointer: string, expected: string, value: unknown): SchemaMismatch {
    return new SchemaMismatch(pointer, 'type', expected, value === undefined ? 'nothing' : shortText(value))
  }

  get undecodable(): Undecodable {
    return new Undecodable('payload-invalid', this.expected, this.actual, this.pointer, this.keyword)
  }
}

export function pointerTo(pointer: string, name: string | number): string {
  return `${pointer}/${escapeSegment(String(name))}`
}

/** Runs a reader and turns its SchemaMismatch into an Undecodable. */
export function decodeWith(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SchemaMismatch)) throw error
    return error.undecodable
  }
}

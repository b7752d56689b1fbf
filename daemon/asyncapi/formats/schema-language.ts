import type { PayloadSchema } from '../contract/contract.ts'
import { DEFAULT_PAYLOAD_LIMITS, type PayloadReader } from './payload-format.ts'

/** A schema with all that it takes to read and write the payloads that it describes. */
export interface PayloadCodec extends PayloadReader {
  /** The bytes of a JSON value. Throws SchemaMismatch. */
  encode(value: unknown): Uint8Array
}

/** A language of schemas that says itself how payloads are written, as Avro does. */
export interface SchemaLanguage {
  describes(schemaFormat: string): boolean
  /** Throws where the schema cannot be used, saying why. */
  compile(schema: PayloadSchema, use: SchemaUse): PayloadCodec
}

export interface SchemaUse {
  schemaFormat: string
  /** Lower case, without parameters. */
  contentType: string
  messageName: string
}

export const MAX_PAYLOAD_BYTES = DEFAULT_PAYLOAD_LIMITS.maxBytes
export const MAX_PAYLOAD_DEPTH = DEFAULT_PAYLOAD_LIMITS.maxDepth

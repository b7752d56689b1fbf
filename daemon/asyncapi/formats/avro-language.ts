import { createRequire } from 'node:module'
import type * as Avsc from 'avsc'
import type { PayloadSchema } from '../contract/contract.ts'
import { AvroTypes } from './avro-type.ts'
import { isJsonType, Undecodable } from './payload-format.ts'
import { jsonFormat } from './plain-formats.ts'
import { readAvroJson } from './read-avro-json.ts'
import { readAvro } from './read-avro.ts'
import { type PayloadCodec, type SchemaLanguage, decodeWith } from './schema-language.ts'

const MAX_SCHEMA_TEXT = 256 * 1024

const require = createRequire(import.meta.url)

/** Avro: its JSON encoding for JSON content types, else its binary encoding without a header. */
export const avroLanguage: SchemaLanguage = {
  describes: (schemaFormat) => /^application\/vnd\.apache\.avro\b/.test(schemaFormat),
  compile(schema, { contentType }) {
    // Loaded with the first Avro schema: most gateways need none.
    const { Type } = require('avsc') as typeof Avsc
    // Wrapped unions are never ambiguous.
    const type = Type.forSchema(plainSchema(schema), { wrapUnions: 'always', omitRecordMethods: true })
    const readable = new AvroTypes().of(type)
    const forWriting = (value: unknown): unknown => readAvroJson(readable, value, 'write')
    if (!isJsonType(contentType)) {
      return {
        decode: (payload) => decodeWith(() => readAvro(readable, payload)),
        encode: (value) => type.toBuffer(forWriting(value)),
      } satisfies PayloadCodec
    }
    const json = jsonFormat()
    return {
      decode(payload) {
        const value = json.decode(payload)
        return value instanceof Undecodable ? value : decodeWith(() => readAvroJson(readable, value, 'read'))
      },
      encode: (value) => Buffer.from(type.toString(forWriting(value))),
    }
  },
}

/** Copies the schema, because avsc keeps parts of its input. A text is JSON, or the name of a primitive type. */
function plainSchema(schema: PayloadSchema): Avsc.Schema {
  const text = typeof schema === 'string' && /^\s*[[{"]/.test(schema) ? schema : JSON.stringify(schema)
  if (text.length > MAX_SCHEMA_TEXT) throw new Error(`the schema has more than ${MAX_SCHEMA_TEXT} characters`)
  return JSON.parse(text) as Avsc.Schema
}

import { createRequire } from 'node:module'
import type * as Avsc from 'avsc'
import type { PayloadSchema } from '../contract/contract.ts'
import { AvroTypes } from './avro-type.ts'
import { isJsonType, jsonFormat, Undecodable } from './payload-format.ts'
import { readAvroJson } from './read-avro-json.ts'
import { readAvro } from './read-avro.ts'
import type { PayloadCodec, SchemaLanguage } from './schema-language.ts'
import { decoded } from './schema-mismatch.ts'

const MAX_SCHEMA_TEXT = 256 * 1024

const require = createRequire(import.meta.url)

/** Avro: JSON encoding where the content type is JSON, else binary encoding without a header. */
export const avroLanguage: SchemaLanguage = {
  describes: (schemaFormat) => /^application\/vnd\.apache\.avro\b/.test(schemaFormat),
  compile(schema, { contentType }) {
    // Loaded with the first schema of the kind.
    const { Type } = require('avsc') as typeof Avsc
    // Always wrapped: whether a union is ambiguous is then no question.
    const type = Type.forSchema(plainSchema(schema), { wrapUnions: 'always', omitRecordMethods: true })
    const view = new AvroTypes().of(type)
    const forWriting = (value: unknown): unknown => readAvroJson(view, value, 'write')
    if (!isJsonType(contentType)) {
      return {
        decode: (payload) => decoded(() => readAvro(view, payload)),
        encode: (value) => type.toBuffer(forWriting(value)),
      } satisfies PayloadCodec
    }
    const json = jsonFormat()
    return {
      decode(payload) {
        const value = json.decode(payload)
        return value instanceof Undecodable ? value : decoded(() => readAvroJson(view, value, 'read'))
      },
      encode: (value) => Buffer.from(type.toString(forWriting(value))),
    }
  },
}

/** A copy of its own: avsc keeps parts of what it is given. A text is JSON, or the name of a primitive type. */
function plainSchema(schema: PayloadSchema): Avsc.Schema {
  const text = typeof schema === 'string' && /^\s*[[{"]/.test(schema) ? schema : JSON.stringify(schema)
  if (text.length > MAX_SCHEMA_TEXT) throw new Error(`the schema has more than ${MAX_SCHEMA_TEXT} characters`)
  return JSON.parse(text) as Avsc.Schema
}

import { createRequire } from 'node:module'
import type * as Protobuf from 'protobufjs'
import { messageOf } from '../../core/errors.ts'
import type { PayloadSchema } from '../contract/contract.ts'
import { isJsonType, Undecodable, type PayloadReader } from './payload-format.ts'
import { jsonFormat } from './plain-formats.ts'
import { readProtobufJson } from './read-protobuf-json.ts'
import {
  MAX_PAYLOAD_BYTES,
  type PayloadCodec,
  type SchemaLanguage,
  type SchemaUse,
  decodeWith,
  SchemaMismatch,
} from './schema-language.ts'

const MAX_SCHEMA_TEXT = 256 * 1024
const SHOWN = { longs: String, enums: String, bytes: String } as const

const require = createRequire(import.meta.url)

/** Protobuf: the schema is the text of a .proto file. Payloads are JSON for JSON content types, else binary. */
export const protobufLanguage: SchemaLanguage = {
  describes: (schemaFormat) => /^application\/vnd\.google\.protobuf\b/.test(schemaFormat),
  compile(schema, use) {
    // Loaded with the first Protobuf schema: most gateways need none.
    const protobuf = require('protobufjs') as typeof Protobuf
    const root = new protobuf.Root()
    const found = protobuf.parse(textOf(schema, use), root, { keepCase: true })
    const [imported] = [...(found.imports ?? []), ...(found.weakImports ?? [])]
    if (imported !== undefined) throw new Error(`the import of ${imported} is not followed: put it into the text`)
    root.resolveAll()
    const type = rootMessage(root, use.messageName, found.package)
    const fromJson = (value: unknown): Record<string, unknown> => readProtobufJson(type, value, protobuf.util.camelCase)
    const reader = isJsonType(use.contentType) ? jsonReader(type, fromJson) : binaryReader(type)
    return {
      ...reader,
      encode(value) {
        const message = type.fromObject(fromJson(value))
        return isJsonType(use.contentType)
          ? Buffer.from(JSON.stringify(type.toObject(message, SHOWN)))
          : type.encode(message).finish()
      },
    } satisfies PayloadCodec
  },
}

function jsonReader(type: Protobuf.Type, fromJson: (value: unknown) => Record<string, unknown>): PayloadReader {
  const json = jsonFormat()
  return {
    decode(payload) {
      const value = json.decode(payload)
      if (value instanceof Undecodable) return value
      return decodeWith(() => type.toObject(type.fromObject(fromJson(value)), SHOWN))
    },
  }
}

function binaryReader(type: Protobuf.Type): PayloadReader {
  return {
    decode(payload) {
      if (payload.length > MAX_PAYLOAD_BYTES) {
        return new Undecodable('message-too-large', `at most ${MAX_PAYLOAD_BYTES} bytes`, `${payload.length} bytes`)
      }
      return decodeWith(() => {
        try {
          return type.toObject(type.decode(payload), SHOWN)
        } catch (error) {
          // protobufjs has no error class of its own; whatever `decode` throws is about the bytes.
          throw new SchemaMismatch('', 'format', `message ${type.name} of Protobuf`, messageOf(error).slice(0, 200))
        }
      })
    },
  }
}

function textOf(schema: PayloadSchema, { schemaFormat }: SchemaUse): string {
  if (typeof schema !== 'string') throw new Error('the text of a .proto file is expected')
  if (schema.length > MAX_SCHEMA_TEXT) throw new Error(`the schema has more than ${MAX_SCHEMA_TEXT} characters`)
  const isVersion3 = /version=3/.test(schemaFormat) && !/^\s*(?:syntax|edition)\s*=/m.test(schema)
  // On the same line, so that the line numbers in messages stay right.
  return isVersion3 ? `syntax = "proto3"; ${schema}` : schema
}

/** The message type with the name of the document's message, else the first one. */
function rootMessage(root: Protobuf.Root, name: string, packageName: string | undefined): Protobuf.Type {
  const namespace = packageName === undefined ? root : root.lookup(packageName)
  const nested = namespace !== null && 'nestedArray' in namespace ? namespace.nestedArray : []
  const messages = nested.filter((one): one is Protobuf.Type => 'fieldsArray' in one)
  const found = messages.find((one) => one.name === name) ?? messages[0]
  if (found === undefined) throw new Error('the text holds no message')
  return found
}

import { messageOf } from '../../core/errors.ts'
import type { Headers, Violation } from '../../core/message.ts'
import type { ContractMessage, PayloadSchema } from '../contract/contract.ts'
import { avroLanguage } from '../formats/avro-language.ts'
import { cborFormat } from '../formats/cbor-format.ts'
import { mediaType, type PayloadFormat, type PayloadReader } from '../formats/payload-format.ts'
import { binaryFormat, jsonFormat, textFormat } from '../formats/plain-formats.ts'
import { protobufLanguage } from '../formats/protobuf-language.ts'
import type { PayloadCodec, SchemaLanguage } from '../formats/schema-language.ts'
import type { ValueCheck } from '../schemas/compiled-schema.ts'
import { isJsonSchemaFormat, isSchema } from '../schemas/json-schema.ts'
import type { CompiledSchema, SchemaCompiler } from '../schemas/schema-compiler.ts'
import { compileContentCheck } from './content-check.ts'

/** A compiled message of a contract. */
export interface MessageCheck {
  readonly message: ContractMessage
  readonly format: PayloadReader
  /** undefined: every payload is valid. */
  readonly payload: ValueCheck | undefined
  readonly headers: CompiledSchema | undefined
  /** The reason why payload or headers are not checked although the document describes them. */
  readonly unchecked: string | undefined
}

export const DEFAULT_FORMATS: readonly PayloadFormat[] = [jsonFormat(), cborFormat(), textFormat(), binaryFormat]

const LANGUAGES: readonly SchemaLanguage[] = [avroLanguage, protobufLanguage]

const NONE: readonly Violation[] = Object.freeze([])
/** For Avro and Protobuf: decoding by the schema is the check. */
const CHECKED: ValueCheck = { problem: undefined, notes: [], check: () => NONE }

/** The language of a schema format; undefined for JSON Schema and for formats that are not supported. */
export function languageOf(schemaFormat: string): SchemaLanguage | undefined {
  return LANGUAGES.find((language) => language.describes(schemaFormat))
}

/** Throws an Error that says why the schema cannot be used. */
export function compileCodec(language: SchemaLanguage, message: ContractMessage, schema: PayloadSchema): PayloadCodec {
  const { schemaFormat, name } = message
  return language.compile(schema, { schemaFormat, contentType: mediaType(message), messageName: name })
}

/** Compiles one message. With a schema that cannot be used, payloads pass unchecked and `unchecked` says why. */
export function compileMessage(
  message: ContractMessage,
  compiler: SchemaCompiler,
  formats: readonly PayloadFormat[] = DEFAULT_FORMATS,
): MessageCheck {
  const type = mediaType(message)
  const format = formats.find((one) => one.reads(type)) ?? binaryFormat
  const headers = message.headers === undefined ? undefined : compiler.compileHeaders(message.headers)
  if (message.payload === undefined)
    return { message, format, payload: undefined, headers, unchecked: headers?.problem }
  const { payload: schema, schemaFormat } = message
  if (!isJsonSchemaFormat(schemaFormat)) {
    const found = compileForeign(message, schema)
    return {
      message,
      format: found.codec ?? format,
      payload: found.check,
      headers,
      unchecked: found.check.problem ?? headers?.problem,
    }
  }
  const found = isSchema(schema)
    ? compileContentCheck(message, schema, format.gives, compiler)
    : { check: unusable('a JSON Schema is expected') }
  return {
    message,
    format,
    payload: found.check,
    headers,
    unchecked: found.check?.problem ?? found.unchecked ?? headers?.problem,
  }
}

function compileForeign(message: ContractMessage, schema: PayloadSchema): { check: ValueCheck; codec?: PayloadCodec } {
  const { schemaFormat } = message
  const language = languageOf(schemaFormat)
  if (language === undefined) {
    const isRaml = /\braml\b/i.test(schemaFormat)
    return {
      check: unusable(
        isRaml ? 'RAML is not supported' : `the schema format ${schemaFormat.slice(0, 100)} is not supported`,
      ),
    }
  }
  try {
    return { check: CHECKED, codec: compileCodec(language, message, schema) }
  } catch (error) {
    return { check: unusable(messageOf(error).slice(0, 300)) }
  }
}

function unusable(problem: string): ValueCheck {
  return { problem, notes: [], check: () => NONE }
}

/** The violations of the headers; their pointers have the form `$message.header#/name`. */
export function checkHeaders(check: MessageCheck, headers: Headers | undefined): readonly Violation[] {
  if (check.headers === undefined || headers === undefined) return []
  const errors = check.headers.check(headers)
  return errors.map((error) => ({ ...error, pointer: `$message.header#${error.pointer}` }))
}

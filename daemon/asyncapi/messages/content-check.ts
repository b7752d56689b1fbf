import type { ContractMessage, JsonSchema } from '../contract/contract.ts'
import { charset, mediaType, type PayloadFormat } from '../formats/payload-format.ts'
import type { SchemaCompiler } from '../schemas/schema-compiler.ts'
import { compileByteCheck } from './byte-check.ts'
import { compileTextCheck } from './text-check.ts'
import type { ValueCheck } from './value-check.ts'

/** Texts of these are UTF-8. */
const UTF8 = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii'])

/** The check of a JSON Schema on what a content type makes of payloads, and why it leaves something unchecked. */
export function compileContentCheck(
  message: ContractMessage,
  schema: JsonSchema,
  gives: PayloadFormat['gives'],
  compiler: SchemaCompiler,
): { check?: ValueCheck; unchecked?: string } {
  if (gives === 'json') return { check: compiler.compile(schema, message.schemaFormat) }
  return gives === 'text' ? checkOfTexts(message, schema, compiler) : checkOfBytes(message, schema)
}

function checkOfTexts(
  message: ContractMessage,
  schema: JsonSchema,
  compiler: SchemaCompiler,
): { check?: ValueCheck; unchecked?: string } {
  const named = charset(message)
  if (named !== undefined && !UTF8.has(named)) return { unchecked: `texts in ${named.slice(0, 40)} are not read` }
  const check = compileTextCheck(schema, message.schemaFormat, compiler)
  return check === undefined
    ? { unchecked: `its schema describes no text, and ${mediaType(message)} is nothing else` }
    : { check }
}

function checkOfBytes(message: ContractMessage, schema: JsonSchema): { check?: ValueCheck; unchecked?: string } {
  const { check, complete } = compileByteCheck(schema)
  return {
    ...(check === undefined ? {} : { check }),
    ...(complete ? {} : { unchecked: `${mediaType(message)} is bytes, of which no more than the length is looked at` }),
  }
}

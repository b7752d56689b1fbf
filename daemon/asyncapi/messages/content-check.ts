import type { ContractMessage, JsonSchema } from '../contract/contract.ts'
import { charset, mediaType, type PayloadFormat } from '../formats/payload-format.ts'
import type { ValueCheck } from '../schemas/compiled-schema.ts'
import { definitionOf, isValidating } from '../schemas/json-schema.ts'
import type { SchemaCompiler } from '../schemas/schema-compiler.ts'
import { compileTextCheck } from './text-check.ts'

/** Charsets whose texts are UTF-8. */
const UTF8 = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii'])

/** Keywords that a check of bytes takes into account; `type` and `format` are true of all bytes. */
const UNDERSTOOD = new Set(['type', 'format', 'minLength', 'maxLength', 'definitions'])

/** Compiles a JSON Schema for payloads of a content type. `unchecked` says why something is not checked. */
export function compileContentCheck(
  message: ContractMessage,
  schema: JsonSchema,
  gives: PayloadFormat['gives'],
  compiler: SchemaCompiler,
): { check?: ValueCheck; unchecked?: string } {
  if (gives === 'json') return { check: compiler.compile(schema, message.schemaFormat) }
  return gives === 'text' ? compileForText(message, schema, compiler) : compileForBytes(message, schema)
}

function compileForText(
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

function compileForBytes(message: ContractMessage, schema: JsonSchema): { check?: ValueCheck; unchecked?: string } {
  const { check, complete } = compileByteCheck(schema)
  return {
    ...(check === undefined ? {} : { check }),
    ...(complete ? {} : { unchecked: `${mediaType(message)} is bytes: only their length is checked` }),
  }
}

/**
 * Checks bytes by `minLength` and `maxLength` of a string schema, counted in bytes as OpenAPI 3.1 says. `complete` is
 * false if the schema has other keywords, which are not checked.
 */
function compileByteCheck(schema: JsonSchema): { check: ValueCheck | undefined; complete: boolean } {
  const found = definitionOf(schema, schema)
  if (typeof found === 'boolean') return { check: undefined, complete: found }
  const { type, minLength, maxLength, contentEncoding } = found
  // With a contentEncoding the lengths are those of the encoded text.
  const isBytes = (type === undefined || type === 'string') && contentEncoding === undefined
  const complete = isBytes && Object.keys(found).every((key) => UNDERSTOOD.has(key) || !isValidating(key))
  const least = typeof minLength === 'number' ? minLength : 0
  const most = typeof maxLength === 'number' ? maxLength : Number.POSITIVE_INFINITY
  const isBounded = least > 0 || most < Number.POSITIVE_INFINITY
  return { check: isBytes && isBounded ? lengthCheck(least, most) : undefined, complete }
}

function lengthCheck(least: number, most: number): ValueCheck {
  return {
    problem: undefined,
    notes: [],
    check(value) {
      const length = value instanceof Uint8Array ? value.length : 0
      if (length >= least && length <= most) return []
      const [keyword, expected] =
        length < least ? ['minLength', `at least ${least} bytes`] : ['maxLength', `at most ${most} bytes`]
      return [{ pointer: '', keyword, expected, actual: `${length} bytes` }]
    },
  }
}

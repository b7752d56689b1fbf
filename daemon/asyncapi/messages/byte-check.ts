import type { JsonSchema } from '../contract/contract.ts'
import { definitionOf } from '../schemas/definition-of.ts'
import { isValidating } from '../schemas/schema-keywords.ts'
import type { ValueCheck } from './value-check.ts'

/** Beside these a schema of bytes asks for nothing. */
const UNDERSTOOD = new Set(['type', 'format', 'minLength', 'maxLength', 'definitions'])

/**
 * Holds bytes against the lengths of a string schema, counted in bytes as OpenAPI 3.1 says. What else the schema asks for
 * is not checked: `complete` is false then.
 */
export function compileByteCheck(schema: JsonSchema): { check: ValueCheck | undefined; complete: boolean } {
  const found = definitionOf(schema, schema)
  if (typeof found === 'boolean') return { check: undefined, complete: found }
  const { type, minLength, maxLength, contentEncoding } = found
  // Encoded, the lengths are those of the text.
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

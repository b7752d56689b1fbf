import type { JsonSchema } from '../contract/contract.ts'

/** Keywords whose value is a map of schemas. */
const MAPS = new Set(['properties', 'patternProperties', 'definitions', '$defs', 'dependentSchemas'])
/** Keywords whose value is a list of schemas. */
const LISTS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
/** Keywords whose value is a schema, or data that is left alone (`items` may be a list too, `dependencies` a map). */
const SINGLES = new Set([
  'additionalItems',
  'additionalProperties',
  'contains',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
])
/** Keywords that validate and hold no schema. */
const PLAIN = new Set([
  '$ref',
  'type',
  'enum',
  'const',
  'multipleOf',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'maxContains',
  'minContains',
  'maxProperties',
  'minProperties',
  'required',
  'dependentRequired',
  'format',
  'nullable',
])

/** True for keywords that can make a payload invalid; all others are annotations. */
export function isValidating(keyword: string): boolean {
  return (
    PLAIN.has(keyword) || MAPS.has(keyword) || LISTS.has(keyword) || SINGLES.has(keyword) || keyword === 'dependencies'
  )
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'boolean' || isRecord(value)
}

/** `path` is where the subschema stands below its parent, as a JSON pointer of escaped segments. */
export type Visit = (schema: JsonSchema, path: string) => unknown

/**
 * A copy of a schema with every direct subschema replaced by what `visit` makes of it. Data (`enum`, `default`, unknown
 * keywords) is taken over as it is.
 */
export function mapSubschemas(schema: Readonly<Record<string, unknown>>, visit: Visit): Record<string, unknown> {
  // fromEntries defines own properties: a property called __proto__ stays one.
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => [keyword, mapKeyword(keyword, value, visit)]),
  )
}

function mapKeyword(keyword: string, value: unknown, visit: Visit): unknown {
  const path = `/${keyword}`
  const each = (item: unknown, key: string | number): unknown =>
    isSchema(item) ? visit(item, `${path}/${escapeSegment(String(key))}`) : item
  if ((MAPS.has(keyword) || keyword === 'dependencies') && isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, each(item, name)]))
  }
  if ((LISTS.has(keyword) || keyword === 'items') && Array.isArray(value)) return value.map(each)
  return SINGLES.has(keyword) && isSchema(value) ? visit(value, path) : value
}

/** One segment of a JSON pointer (RFC 6901). */
export function escapeSegment(text: string): string {
  return text.replaceAll('~', '~0').replaceAll('/', '~1')
}

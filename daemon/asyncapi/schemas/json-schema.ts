import type { JsonSchema } from '../contract/contract.ts'
import { escapeSegment, isRecord, readPointer } from '../contract/json-pointer.ts'

const MAX_HOPS = 50

/** Keywords whose value is a map of schemas. */
const MAPS = new Set(['properties', 'patternProperties', 'definitions', '$defs', 'dependentSchemas'])
/** Keywords whose value is a list of schemas. */
const LISTS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
/** Keywords whose value is one schema. `items` may also be a list of schemas. */
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
/** Keywords that validate and contain no schema. */
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

/** True for keywords that can make a payload invalid; all others are annotations, and are ignored. */
export function isValidating(keyword: string): boolean {
  return (
    PLAIN.has(keyword) || MAPS.has(keyword) || LISTS.has(keyword) || SINGLES.has(keyword) || keyword === 'dependencies'
  )
}

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'boolean' || isRecord(value)
}

/** Receives one subschema; `path` is the JSON pointer that leads from its parent to it. */
export type Visit = (schema: JsonSchema, path: string) => unknown

/**
 * Copies a schema, with every direct subschema replaced by the result of `visit`. Data (`enum`, `default`, unknown
 * keywords) is copied as it is.
 */
export function mapSubschemas(schema: Readonly<Record<string, unknown>>, visit: Visit): Record<string, unknown> {
  // fromEntries defines own properties, so a property named __proto__ survives.
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

/** Follows `$ref` into the `definitions` of the bundled root. References that form a circle accept anything: true. */
export function definitionOf(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let current = schema
  for (let hops = 0; hops < MAX_HOPS; hops++) {
    const reference: unknown = typeof current === 'object' ? current['$ref'] : undefined
    if (typeof reference !== 'string') return current
    const target = readPointer(root, reference.slice(1))
    if (!isSchema(target)) return true
    current = target
  }
  return true
}

/** True for the schema formats of AsyncAPI, JSON Schema and OpenAPI, which are all JSON Schema. */
export function isJsonSchemaFormat(schemaFormat: string): boolean {
  return schemaFormat === '' || /^application\/(?:vnd\.aai\.asyncapi|schema|vnd\.oai\.openapi)\b/.test(schemaFormat)
}

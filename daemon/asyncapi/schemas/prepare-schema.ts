import type { JsonSchema } from '../contract/contract.ts'
import { isRecord } from '../contract/json-pointer.ts'
import { isValidating, mapSubschemas } from './json-schema.ts'
import { schemaCost } from './schema-cost.ts'

/** Keyword that is added wherever work can multiply; its value is the cost, which its code spends from the budget. */
export const STEP_KEYWORD = 'x-stepflow-step'

const MAX_SCHEMA_NODES = 2_000
/** Lists that may not repeat an item, by the meta-schema. */
const SETS = new Set(['enum', 'required'])

export interface PreparedSchema {
  readonly schema: JsonSchema
  /** Parts of the schema that are not checked, in plain text. */
  readonly notes: readonly string[]
}

/**
 * Reduces a schema to the keywords that validate, in the form that ajv expects: drops annotations and ids, translates
 * `nullable` of OpenAPI and the booleans of draft 4, repairs slips, and drops unknown formats with a note. Throws when the
 * schema is too large to be compiled while devices wait.
 */
export function prepareSchema(schema: JsonSchema, knownFormats: ReadonlySet<string>): PreparedSchema {
  const notes = new Set<string>()
  let nodes = 0

  const visit = (part: JsonSchema, path: string): JsonSchema => {
    if (++nodes > MAX_SCHEMA_NODES) throw new Error(`the schema has more than ${MAX_SCHEMA_NODES} parts`)
    if (typeof part === 'boolean') return part
    const kept = mapSubschemas(tidySchema(pickValidating(part)), visit)
    translate(kept, notes, knownFormats)
    const cost = schemaCost(kept, path)
    return cost === undefined ? kept : { ...kept, [STEP_KEYWORD]: cost }
  }

  return { schema: visit(schema, ''), notes: [...notes] }
}

function pickValidating(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => isValidating(keyword)))
}

function translate(schema: Record<string, unknown>, notes: Set<string>, knownFormats: ReadonlySet<string>): void {
  // OpenAPI 3.0.3, Schema Object: `nullable` has no effect without `type`.
  if (schema['nullable'] !== true || schema['type'] === undefined) delete schema['nullable']
  else if (Array.isArray(schema['enum']) && !schema['enum'].includes(null)) schema['enum'] = [...schema['enum'], null]
  translateExclusive(schema, 'exclusiveMinimum', 'minimum')
  translateExclusive(schema, 'exclusiveMaximum', 'maximum')
  if (typeof schema['required'] === 'boolean') {
    delete schema['required']
    notes.add('required as a boolean is JSON Schema draft 3: not checked')
  }
  const { format } = schema
  if (format !== undefined && (typeof format !== 'string' || !knownFormats.has(format))) {
    delete schema['format']
    notes.add(`unknown format ${JSON.stringify(format)}: not checked`)
  }
  if (isRecord(schema['definitions']) && Object.keys(schema['definitions']).length === 0) delete schema['definitions']
}

/** Draft 4 and OpenAPI 3.0: `minimum: 5, exclusiveMinimum: true`. */
function translateExclusive(schema: Record<string, unknown>, keyword: string, limit: string): void {
  if (typeof schema[keyword] !== 'boolean') return
  const isExclusive = schema[keyword]
  delete schema[keyword]
  if (!isExclusive || typeof schema[limit] !== 'number') return
  schema[keyword] = schema[limit]
  delete schema[limit]
}

/**
 * Repairs harmless slips of authors: drops keys without a value and repeated items of lists, and reads a YAML null in
 * `type: [string, null]` as the type `null`.
 */
export function tidySchema(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema).flatMap(([keyword, value]): [string, unknown][] => {
      if (value === null && keyword !== 'const') return []
      if (keyword === 'type' && Array.isArray(value)) {
        const names: unknown[] = value.map((name: unknown) => (name === null ? 'null' : name))
        return [[keyword, withoutRepeats(names)]]
      }
      if (SETS.has(keyword) && Array.isArray(value)) return [[keyword, withoutRepeats(value)]]
      return [[keyword, keyword === 'properties' && isRecord(value) ? fillEmptyProperties(value) : value]]
    }),
  )
}

function withoutRepeats(items: readonly unknown[]): unknown[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()]
}

/** A property without a value, as in `properties: {note: }`, accepts anything. */
function fillEmptyProperties(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).map(([name, item]) => [name, item ?? true]))
}

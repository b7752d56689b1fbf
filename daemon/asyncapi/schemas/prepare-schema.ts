import type { JsonSchema } from '../contract/contract.ts'
import { schemaCost } from './schema-cost.ts'
import { isRecord, isValidating, mapSubschemas } from './schema-keywords.ts'
import { tidySchema } from './tidy-schema.ts'

/** Put into every place where work can multiply, with what it costs; its code spends that from the budget. */
export const STEP_KEYWORD = 'x-stepflow-step'

const MAX_SCHEMA_NODES = 2_000

export interface PreparedSchema {
  readonly schema: JsonSchema
  /** What is not checked, for people. */
  readonly notes: readonly string[]
}

/**
 * The part of a schema that validates, in ajv's terms: annotations and ids dropped, OpenAPI's `nullable` and the
 * booleans of draft 4 translated, slips put right, unknown formats ignored with a note. Throws if it is too large to compile while
 * devices wait.
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
  // OpenAPI 3.0.3: nullable has no effect without a type beside it.
  if (schema['nullable'] !== true || schema['type'] === undefined) delete schema['nullable']
  else if (Array.isArray(schema['enum']) && !schema['enum'].includes(null)) schema['enum'] = [...schema['enum'], null]
  exclusive(schema, 'exclusiveMinimum', 'minimum')
  exclusive(schema, 'exclusiveMaximum', 'maximum')
  if (typeof schema['required'] === 'boolean') {
    delete schema['required']
    notes.add('required as a boolean is of JSON Schema draft 3: not checked')
  }
  const { format } = schema
  if (format !== undefined && (typeof format !== 'string' || !knownFormats.has(format))) {
    delete schema['format']
    notes.add(`unknown format ${JSON.stringify(format)}: not checked`)
  }
  if (isRecord(schema['definitions']) && Object.keys(schema['definitions']).length === 0) delete schema['definitions']
}

/** Draft 4 and OpenAPI 3.0: `minimum: 5, exclusiveMinimum: true`. */
function exclusive(schema: Record<string, unknown>, keyword: string, limit: string): void {
  if (typeof schema[keyword] !== 'boolean') return
  const isExclusive = schema[keyword]
  delete schema[keyword]
  if (!isExclusive || typeof schema[limit] !== 'number') return
  schema[keyword] = schema[limit]
  delete schema[limit]
}

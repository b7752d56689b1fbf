import { isRecord } from './schema-keywords.ts'

/** What one evaluation of a schema object costs; its subschemas and patterns pay for themselves. */
export interface SchemaCost {
  /** Units, whatever the value is. */
  readonly fixed: number
  /** How often it goes through all characters of a text, or all keys of an object. */
  readonly walks: number
}

/** Where one value is held against several schemas, or a schema against itself. */
const BRANCHES = /^\/(?:allOf|anyOf|oneOf|definitions|\$defs)\/|^\/(?:not|if|then|else)$/
/** Where one schema is held against many values. */
const REPEATED =
  /^\/patternProperties\/|^\/(?:items|additionalItems|additionalProperties|propertyNames|unevaluatedItems|unevaluatedProperties)$/
const WALKING = [
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
  'additionalProperties',
  'patternProperties',
  'propertyNames',
  'unevaluatedProperties',
]

const BRANCH_UNITS = 1
const REPETITION_UNITS = 1 / 16
/** Names and values that one unit looks at. */
const WIDTH_OF_UNIT = 64
/** Below it they are not worth counting. */
const NARROW = 16

/** undefined where it costs next to nothing. `path` is where the schema stands below its parent. */
export function schemaCost(schema: Readonly<Record<string, unknown>>, path: string): SchemaCost | undefined {
  const width = widthOf(schema)
  const fixed = unitsOf(path) + (width > NARROW ? width / WIDTH_OF_UNIT : 0)
  const objects = choicesOf(schema).filter(isRecord).length
  const walks = objects + WALKING.filter((keyword) => keyword in schema).length
  return fixed === 0 && walks === 0 ? undefined : { fixed, walks }
}

function unitsOf(path: string): number {
  // For each item that does not fit ajv makes an error, and drops them all in the end.
  if (BRANCHES.test(path) || path === '/contains') return BRANCH_UNITS
  return REPEATED.test(path) ? REPETITION_UNITS : 0
}

function widthOf(schema: Readonly<Record<string, unknown>>): number {
  const maps = ['properties', 'dependencies', 'dependentRequired', 'dependentSchemas'].map((keyword) => schema[keyword])
  const lists = ['required', 'items', 'prefixItems'].map((keyword) => schema[keyword])
  const names = maps.map((map) => (isRecord(map) ? Object.keys(map).length : 0))
  const parts = lists.map((list) => (Array.isArray(list) ? list.length : 0))
  return [...names, ...parts, ...choicesOf(schema).map(sizeOf)].reduce((a, b) => a + b, 0)
}

/** Values that the value is compared with. */
function choicesOf(schema: Readonly<Record<string, unknown>>): unknown[] {
  const { enum: choices } = schema
  return [...(Array.isArray(choices) ? choices : []), ...('const' in schema ? [schema['const']] : [])]
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 1 + value.length / WIDTH_OF_UNIT
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, item) => sum + sizeOf(item), 1)
}

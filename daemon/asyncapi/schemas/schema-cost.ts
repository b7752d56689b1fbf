import { isRecord } from '../contract/json-pointer.ts'

/** The cost of one evaluation of a schema object; its subschemas and patterns have a cost of their own. */
export interface SchemaCost {
  /** Units that do not depend on the value. */
  readonly fixed: number
  /** Passes over all characters of a text, or over all keys of an object. */
  readonly walks: number
}

/** Places where one value meets several schemas, or where a schema can refer to itself. */
const BRANCHES = /^\/(?:allOf|anyOf|oneOf|definitions|\$defs)\/|^\/(?:not|if|then|else)$/
/** Places where one schema meets many values. */
const REPEATED =
  /^\/patternProperties\/|^\/(?:items|additionalItems|additionalProperties|propertyNames|unevaluatedItems|unevaluatedProperties)$/
/** Keywords that pass over the whole value. */
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
/** Names and values that are compared for one unit. */
const WIDTH_OF_UNIT = 64
/** Up to this many names and values cost nothing. */
const NARROW = 16

/** Returns undefined for a schema that costs next to nothing. `path` leads from its parent to it. */
export function schemaCost(schema: Readonly<Record<string, unknown>>, path: string): SchemaCost | undefined {
  const width = widthOf(schema)
  const fixed = unitsOf(path) + (width > NARROW ? width / WIDTH_OF_UNIT : 0)
  const objects = choicesOf(schema).filter(isRecord).length
  const walks = objects + WALKING.filter((keyword) => keyword in schema).length
  return fixed === 0 && walks === 0 ? undefined : { fixed, walks }
}

function unitsOf(path: string): number {
  // `contains`: ajv creates an error for each item that does not fit, and drops them in the end.
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

/** The values of `enum` and `const`. */
function choicesOf(schema: Readonly<Record<string, unknown>>): unknown[] {
  const { enum: choices } = schema
  return [...(Array.isArray(choices) ? choices : []), ...('const' in schema ? [schema['const']] : [])]
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 1 + value.length / WIDTH_OF_UNIT
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, item) => sum + sizeOf(item), 1)
}

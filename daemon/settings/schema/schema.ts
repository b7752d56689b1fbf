import type { EdgeError } from '../../core/errors.ts'
import { errorAt, type Located, type PlainValue } from '../loading/located.ts'

export type JsonSchema = { readonly [keyword: string]: PlainValue }

/** Inputs of reading, and its collected errors and secrets. */
export interface ReadContext {
  readonly cwd: string
  readonly hostName: string
  readonly stateDirectory: string | undefined
  readonly errors: EdgeError[]
  readonly secrets: Set<string>
}

/** Describes a value: how it is read, and its JSON Schema for editors and the documentation. */
export interface Schema<T> {
  readonly json: JsonSchema
  /** Reports all faults to the context, and returns undefined if there are any. */
  read(node: Located, field: string, context: ReadContext): T | undefined
}

/** Reports `expected …, found …`, unless the fault of this value was already reported. */
export function reportInvalid(context: ReadContext, node: Located, field: string, expected: string): undefined {
  if (node.kind === 'broken') return
  context.errors.push(errorAt('config-invalid', `expected ${expected}, found ${describe(node)}`, node.spot, field))
}

function describe(node: Located): string {
  if (node.kind === 'map') return 'a map'
  if (node.kind === 'list') return 'a list'
  if (node.kind === 'broken' || node.value === null) return 'nothing'
  if (node.referenced) return 'another value behind the reference'
  if (typeof node.value === 'string') return JSON.stringify(truncate(node.value))
  return typeof node.value === 'number' ? `the number ${node.value}` : String(node.value)
}

function truncate(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** Adds a check or conversion to a schema. `next` returns undefined after reporting a fault. */
export function refine<T, U>(
  schema: Schema<T>,
  next: (value: T, node: Located, field: string, context: ReadContext) => U | undefined,
): Schema<U> {
  return {
    json: schema.json,
    read(node, field, context) {
      const value = schema.read(node, field, context)
      return value === undefined ? undefined : next(value, node, field, context)
    },
  }
}

/** The alternatives of `anyOf` or `oneOf`, or the schema itself. */
export function branchesOf(schema: JsonSchema): JsonSchema[] {
  const choices = schema['anyOf'] ?? schema['oneOf']
  return Array.isArray(choices) ? choices.filter(isJsonSchema).flatMap((choice) => branchesOf(choice)) : [schema]
}

export function propertiesOf(schema: JsonSchema): [string, JsonSchema][] {
  const properties = schema['properties']
  if (!isJsonSchema(properties)) return []
  return Object.entries(properties).filter((entry): entry is [string, JsonSchema] => isJsonSchema(entry[1]))
}

export function isJsonSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

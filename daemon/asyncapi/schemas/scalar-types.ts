import type { JsonSchema } from '../contract/contract.ts'
import { isRecord } from '../contract/json-pointer.ts'
import { definitionOf, isSchema } from './json-schema.ts'

type ScalarType = 'string' | 'number' | 'boolean'

const ALL: ReadonlySet<ScalarType> = new Set<ScalarType>(['string', 'number', 'boolean'])
const NONE: ReadonlySet<ScalarType> = new Set()
const MAX_DEPTH = 50

/**
 * The scalar types that a bundled schema accepts. A schema without `type` accepts all of them, unless it describes the
 * members of an object or a list.
 */
export function scalarTypes(root: JsonSchema): ReadonlySet<ScalarType> {
  const known = new Map<JsonSchema, ReadonlySet<ScalarType>>()

  const typesOf = (schema: JsonSchema, depth: number): ReadonlySet<ScalarType> => {
    const found = definitionOf(schema, root)
    if (typeof found === 'boolean') return found ? ALL : NONE
    const before = known.get(found) ?? (depth > MAX_DEPTH ? ALL : undefined)
    if (before !== undefined) return before
    // A reference that leads back to this schema adds no restriction.
    known.set(found, ALL)
    const inner = (part: JsonSchema): ReadonlySet<ScalarType> => typesOf(part, depth + 1)
    const choices = [found['anyOf'], found['oneOf']].map(schemasIn).filter((parts) => parts.length > 0)
    const joined = choices.map((parts) => new Set(parts.flatMap((part) => [...inner(part)])))
    const all = [...schemasIn(found['allOf']).map(inner), ...joined]
    const types = new Set([...ownTypes(found)].filter((type) => all.every((one) => one.has(type))))
    known.set(found, types)
    return types
  }

  return typesOf(root, 0)
}

function ownTypes(schema: Readonly<Record<string, unknown>>): ReadonlySet<ScalarType> {
  const { type } = schema
  if (type === undefined) return isRecord(schema['properties']) || schema['items'] !== undefined ? NONE : ALL
  const names: unknown[] = Array.isArray(type) ? type : [type]
  return new Set(
    names.flatMap((name): ScalarType[] => {
      if (name === 'integer') return ['number']
      return name === 'string' || name === 'number' || name === 'boolean' ? [name] : []
    }),
  )
}

function schemasIn(value: unknown): JsonSchema[] {
  return Array.isArray(value) ? value.filter(isSchema) : []
}

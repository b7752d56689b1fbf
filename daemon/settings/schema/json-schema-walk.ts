import type { JsonSchema } from './schema.ts'

/** A schema, or all those that it is a choice of. */
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

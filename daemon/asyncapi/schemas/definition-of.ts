import type { JsonSchema } from '../contract/contract.ts'
import { readPointer } from '../contract/json-pointer.ts'
import { isSchema } from './schema-keywords.ts'

const MAX_HOPS = 50

/** A schema, or what it refers to in the `definitions` of its bundled root; true where that leads round in a circle. */
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

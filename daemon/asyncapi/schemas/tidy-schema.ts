import { isRecord } from './schema-keywords.ts'

/** Lists in which the meta-schema wants nothing twice. */
const SETS = new Set(['enum', 'required'])

/**
 * A schema object without what documents write by mistake and mean nothing by: keys without a value, and lists that name
 * something twice. `[string, null]` means the type null.
 */
export function tidySchema(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema).flatMap(([keyword, value]): [string, unknown][] => {
      if (value === null && keyword !== 'const') return []
      if (keyword === 'type' && Array.isArray(value)) {
        const names: unknown[] = value.map((name: unknown) => (name === null ? 'null' : name))
        return [[keyword, withoutDoubles(names)]]
      }
      if (SETS.has(keyword) && Array.isArray(value)) return [[keyword, withoutDoubles(value)]]
      return [[keyword, keyword === 'properties' && isRecord(value) ? anyWhereNothing(value) : value]]
    }),
  )
}

function withoutDoubles(items: readonly unknown[]): unknown[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()]
}

/** `properties: {note: }`: a property of which nothing is said. */
function anyWhereNothing(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).map(([name, item]) => [name, item ?? true]))
}

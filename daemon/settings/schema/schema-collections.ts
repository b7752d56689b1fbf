import { errorAt, joinField, type PlainValue } from '../loading/located.ts'
import { orList } from './schema-scalars.ts'
import { type JsonSchema, reportInvalid, type Schema } from './schema.ts'

export function list<T>(item: Schema<T>, minItems = 0, maxItems = 10_000): Schema<T[]> {
  return {
    json: { type: 'array', items: item.json, ...(minItems === 0 ? {} : { minItems }) },
    read(node, field, context) {
      if (node.kind !== 'list') return reportInvalid(context, node, field, 'a list')
      if (node.items.length < minItems) return reportInvalid(context, node, field, 'a list with at least one entry')
      if (node.items.length > maxItems)
        return reportInvalid(context, node, field, `a list with at most ${maxItems} entries`)
      const items = node.items.map((entry, i) => item.read(entry, joinField(field, i), context))
      const good = items.filter((value) => value !== undefined)
      return good.length === items.length ? good : undefined
    },
  }
}

export interface NameRules {
  pattern: RegExp
  /** Describes a valid name in an error message. */
  expected: string
  reserved?: readonly string[]
}

/** A map whose keys the user chooses. */
export function record<T>(names: NameRules, value: Schema<T>): Schema<Record<string, T>> {
  const reserved: readonly PlainValue[] = names.reserved ?? []
  const not: JsonSchema = reserved.length === 0 ? {} : { not: { enum: reserved } }
  return {
    json: {
      type: 'object',
      propertyNames: { pattern: names.pattern.source, ...not },
      additionalProperties: value.json,
    },
    read(node, field, context) {
      if (node.kind !== 'map') return reportInvalid(context, node, field, 'a map')
      const entries: [string, T][] = []
      for (const [key, entry] of node.entries) {
        const here = joinField(field, key)
        const isReserved = reserved.includes(key)
        if (isReserved || !names.pattern.test(key)) {
          const why = isReserved ? `the name ${JSON.stringify(key)} is reserved` : `expected ${names.expected} as name`
          context.errors.push(errorAt('config-invalid', why, entry.keySpot, here))
        }
        const read = value.read(entry.value, here, context)
        if (read !== undefined && !isReserved && names.pattern.test(key)) entries.push([key, read])
      }
      return entries.length === node.entries.size ? Object.fromEntries(entries) : undefined
    },
  }
}

/** A map that has variants, told apart by the value of `key`. Each schema of `kinds` must have this key, too. */
export function variants<T>(key: string, kinds: Readonly<Record<string, Schema<T>>>): Schema<T> {
  const names = Object.keys(kinds)
  return {
    json: { oneOf: Object.values(kinds).map((kind) => kind.json) },
    read(node, field, context) {
      if (node.kind !== 'map') return reportInvalid(context, node, field, 'a map')
      const here = joinField(field, key)
      const chosen = node.entries.get(key)?.value
      if (chosen === undefined) {
        context.errors.push(errorAt('config-invalid', `the key "${key}" is missing: ${orList(names)}`, node.spot, here))
        return undefined
      }
      const kind = chosen.kind === 'scalar' ? names.find((name) => name === chosen.value) : undefined
      if (kind === undefined) return reportInvalid(context, chosen, here, orList(names))
      return kinds[kind]?.read(node, field, context)
    },
  }
}

/** A map, or text as its short form. */
export function shorthand<T>(short: Schema<T>, full: Schema<T>): Schema<T> {
  return {
    json: { anyOf: [short.json, full.json] },
    read: (node, field, context) => (node.kind === 'map' ? full : short).read(node, field, context),
  }
}

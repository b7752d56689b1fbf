import { errorAt, joinField, locate, type Located, type LocatedMap, type PlainValue } from '../loading/located.ts'
import { nearestKey } from '../loading/nearest-key.ts'
import { type JsonSchema, type ReadContext, reportInvalid, type Schema } from './schema.ts'

export interface Field<T> {
  /** The key in YAML; the name in the settings adds the unit. */
  readonly key: string
  readonly schema: Schema<T>
  readonly description: string
  readonly presence: 'required' | 'optional' | 'default'
  readonly default?: PlainValue | ((context: ReadContext) => PlainValue)
}

export type Fields<T> = { readonly [K in keyof T]-?: Field<Required<T>[K]> }

export function required<T>(key: string, schema: Schema<T>, description: string): Field<T> {
  return { key, schema, description, presence: 'required' }
}

export function optional<T>(key: string, schema: Schema<T>, description: string): Field<T> {
  return { key, schema, description, presence: 'optional' }
}

/** The default is written as in YAML and read by the same schema. The description has to state a computed one. */
export function withDefault<T>(
  key: string,
  schema: Schema<T>,
  value: PlainValue | ((context: ReadContext) => PlainValue),
  description: string,
): Field<T> {
  return { key, schema, description, presence: 'default', default: value }
}

/** A map with known keys. Any other key is an error, which names the nearest known key. */
export function object<T extends object>(fields: Fields<T>): Schema<T> {
  const list = Object.entries<Field<unknown>>(fields)
  return {
    json: objectJson(list.map(([, field]) => field)),
    read(node, path, context) {
      if (node.kind !== 'map') return reportInvalid(context, node, path, 'a map')
      let complete = rejectUnknown(node, new Set(list.map(([, field]) => field.key)), path, context)
      const entries: [string, unknown][] = []
      for (const [name, field] of list) {
        const value = readField(field, node, path, context)
        if (value !== undefined) entries.push([name, value])
        else if (field.presence !== 'optional' || node.entries.has(field.key)) complete = false
      }
      // Fields<T> ensures that the entries are those of T.
      return complete ? (Object.fromEntries(entries) as T) : undefined
    },
  }
}

function readField(field: Field<unknown>, node: LocatedMap, path: string, context: ReadContext): unknown {
  const here = joinField(path, field.key)
  const found = node.entries.get(field.key)
  if (found !== undefined) return field.schema.read(found.value, here, context)
  if (field.presence === 'required') {
    context.errors.push(errorAt('config-invalid', `the key ${JSON.stringify(field.key)} is missing`, node.spot, here))
  }
  if (field.default === undefined) return undefined
  const value = typeof field.default === 'function' ? field.default(context) : field.default
  return field.schema.read(defaultNode(value, context), here, context)
}

function defaultNode(value: PlainValue, context: ReadContext): Located {
  return locate(value, { origin: { base: context.cwd } })
}

function rejectUnknown(node: LocatedMap, known: ReadonlySet<string>, path: string, context: ReadContext): boolean {
  let clean = true
  for (const [key, entry] of node.entries) {
    if (known.has(key)) continue
    clean = false
    const near = nearestKey(key, known)
    const ask = near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`
    const message = `unknown key ${JSON.stringify(key.slice(0, 100))}${ask}`
    context.errors.push(errorAt('config-unknown-key', message, entry.keySpot, joinField(path, key)))
  }
  return clean
}

function objectJson(fields: readonly Field<unknown>[]): JsonSchema {
  const properties = fields.map(({ key, schema, description, default: value }) => {
    const known = value === undefined || typeof value === 'function' ? {} : { default: value }
    return [key, { ...schema.json, description, ...known }] as const
  })
  const needed = fields.filter((field) => field.presence === 'required').map((field) => field.key)
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
    ...(needed.length === 0 ? {} : { required: needed }),
  }
}

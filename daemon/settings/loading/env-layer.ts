import type { EdgeError } from '../../core/errors.ts'
import { branchesOf, isJsonSchema, propertiesOf, type JsonSchema } from '../schema/schema.ts'
import { errorAt, type Located, type LocatedEntry, type Origin, mergeLayers } from './located.ts'
import { nearestKey } from './nearest-key.ts'
import { parseYaml } from './parse-yaml.ts'

const PREFIX = 'STEPFLOW_'

/**
 * The layer of environment variables: `STEPFLOW_BROKER__MAX_PACKET_SIZE=1MiB` → `broker.maxPacketSize`. Names without `__` are not
 * settings. Names that the user chooses (upstreams) are looked up in the layers below; a new one becomes lower case.
 */
export function envLayer(
  schema: JsonSchema,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
  below: Located,
  errors: EdgeError[],
): Located {
  let layer: Located = { kind: 'map', entries: new Map(), spot: { origin: { base: cwd } } }
  for (const [variable, value] of Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (value === undefined || !variable.startsWith(PREFIX) || !variable.includes('__')) continue
    const origin: Origin = { base: cwd, variable }
    const keys = keysOf(schema, variable, origin, below, errors)
    if (keys === undefined) continue
    const parsed = parseYaml(value, origin)
    if (parsed.ok) layer = mergeLayers(layer, nest(keys, parsed.tree))
    else errors.push(...parsed.errors)
  }
  return layer
}

function nest(keys: readonly string[], value: Located): Located {
  return keys.reduceRight<Located>((inner, key) => {
    const entry: LocatedEntry = { keySpot: value.spot, value: inner }
    return { kind: 'map', entries: new Map([[key, entry]]), spot: value.spot }
  }, value)
}

function keysOf(
  schema: JsonSchema,
  variable: string,
  origin: Origin,
  below: Located,
  errors: EdgeError[],
): string[] | undefined {
  const keys: string[] = []
  let schemas: JsonSchema[] = [schema]
  let node: Located | undefined = below
  for (const part of variable.slice(PREFIX.length).split('__')) {
    const known = new Map(schemas.flatMap((schema) => propertiesOf(schema)).map(([key]) => [toSnake(key), key]))
    const chosen: string[] = node?.kind === 'map' ? [...node.entries.keys()] : []
    const open = schemas.map((schema) => schema['additionalProperties']).filter(isJsonSchema)
    const free = open.length === 0 ? undefined : (chosen.find((key) => toSnake(key) === part) ?? part.toLowerCase())
    const key = known.get(part) ?? free
    if (key === undefined || part === '') {
      const near = nearestKey(part, known.keys())
      const ask = near === undefined ? '' : `; did you mean ${near}?`
      errors.push(
        errorAt('config-unknown-key', `${variable} names no setting: unknown part "${part}"${ask}`, { origin }, ''),
      )
      return undefined
    }
    keys.push(key)
    const inner = schemas.flatMap((schema) => propertiesOf(schema)).filter(([name]) => name === key)
    schemas = (inner.length > 0 ? inner.map(([, schema]) => schema) : open).flatMap((schema) => branchesOf(schema))
    node = node?.kind === 'map' ? node.entries.get(key)?.value : undefined
  }
  return keys
}

function toSnake(key: string): string {
  return key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]/g, '_')
    .toUpperCase()
}

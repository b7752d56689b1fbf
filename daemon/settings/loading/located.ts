import { EdgeError, type ErrorCode, type Place } from '../../core/errors.ts'

/** Source of a layer of the configuration. Relative paths in it are resolved from `base`. */
export interface Origin {
  base: string
  file?: string
  /** The environment variable that held the value. */
  variable?: string
}

export interface Spot {
  origin: Origin
  line?: number
  column?: number
}

export interface LocatedScalar {
  kind: 'scalar'
  value: string | number | boolean | null
  /** The value as it was written, if known. */
  source?: string
  /** Whether a ${…} reference supplied the value or a part of it. */
  referenced: boolean
  spot: Spot
}

export interface LocatedList {
  kind: 'list'
  items: Located[]
  spot: Spot
}

export interface LocatedMap {
  kind: 'map'
  entries: Map<string, LocatedEntry>
  spot: Spot
}

export interface LocatedEntry {
  keySpot: Spot
  value: Located
}

/** Replaces a value whose fault was already reported, so that it is not reported twice. */
export interface LocatedBroken {
  kind: 'broken'
  spot: Spot
}

/** A value of the merged layers, with the place where it was written. */
export type Located = LocatedScalar | LocatedList | LocatedMap | LocatedBroken

/** A value of flags and defaults. */
export type PlainValue =
  | string
  | number
  | boolean
  | null
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue }

export function locate(value: PlainValue, spot: Spot): Located {
  if (value === null || typeof value !== 'object') return { kind: 'scalar', value, referenced: false, spot }
  if (isList(value)) return { kind: 'list', items: value.map((item) => locate(item, spot)), spot }
  const entries = Object.entries(value).map(([key, item]): [string, LocatedEntry] => [
    key,
    { keySpot: spot, value: locate(item, spot) },
  ])
  return { kind: 'map', entries: new Map(entries), spot }
}

function isList(value: object): value is readonly PlainValue[] {
  return Array.isArray(value)
}

export function errorAt(code: ErrorCode, message: string, spot: Spot, field: string, cause?: unknown): EdgeError {
  const named = spot.origin.variable ?? field
  const place: Place = {}
  if (spot.origin.file !== undefined) place.file = spot.origin.file
  if (spot.line !== undefined) place.line = spot.line
  if (spot.column !== undefined) place.column = spot.column
  if (named !== '') place.field = named
  return new EdgeError(code, message, { place, cause })
}

/** `broker` + `listeners` → `broker.listeners`; `broker.listeners` + 0 → `broker.listeners[0]`. */
export function joinField(parent: string, part: string | number): string {
  if (typeof part === 'number') return `${parent}[${part}]`
  return parent === '' ? part : `${parent}.${part}`
}

/** Merges maps key by key. Any other value, lists included, is replaced by the upper layer's. */
export function mergeLayers(lower: Located, upper: Located): Located {
  if (lower.kind !== 'map' || upper.kind !== 'map') return upper
  const entries = new Map(lower.entries)
  for (const [key, entry] of upper.entries) {
    const below = entries.get(key)
    entries.set(key, below === undefined ? entry : { ...entry, value: mergeLayers(below.value, entry.value) })
  }
  return { kind: 'map', entries, spot: upper.spot }
}

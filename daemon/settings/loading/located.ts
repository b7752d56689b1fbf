import { EdgeError, type ErrorCode, type Place } from '../../core/errors.ts'

/** Where a layer of the configuration came from; relative paths in it start at base. */
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
  /** The value as it was written, where that is known. */
  source?: string
  /** True if ${…} supplied the value, or a part of it. */
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

/** Stands for a value that was already reported, so that nobody reports it twice. */
export interface LocatedBroken {
  kind: 'broken'
  spot: Spot
}

/** A value that knows where it was written, over all layers. */
export type Located = LocatedScalar | LocatedList | LocatedMap | LocatedBroken

/** What flags and defaults are written in. */
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

import { escapeSegment, isRecord, childOf, pointerSegments } from '../contract/json-pointer.ts'
import { isValidating } from '../schemas/json-schema.ts'

/** One difference between two schemas. */
export interface SchemaChange {
  kind: 'added' | 'removed' | 'required' | 'type' | 'enum' | 'range' | 'unknown'
  /** JSON pointer into the payload, with `*` for any item of a list. */
  pointer: string
  /** `publishers`: payloads that were valid are refused now. `consumers`: payloads that are valid now may not fit the old schema. */
  breaks: 'publishers' | 'consumers' | 'both' | 'none' | 'unknown'
  detail: string
}

type Fields = Readonly<Record<string, unknown>>

const MAX_DEPTH = 32
const MAX_STEPS = 20_000
const LOWER = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties', 'minContains']
const UPPER = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties', 'maxContains']
/** Keywords that are compared one by one or by recursion; all others are compared as a whole. */
const KNOWN = new Set([
  ...LOWER,
  ...UPPER,
  'type',
  'nullable',
  'enum',
  'required',
  'properties',
  'items',
  'definitions',
  '$defs',
  '$ref',
])
const ALL_TYPES = ['array', 'boolean', 'null', 'number', 'object', 'string']

/** Compares two bundled JSON Schemas, bounded in depth and work; recursive schemas are compared once. */
export class SchemaComparison {
  private readonly found: SchemaChange[] = []
  private readonly old: unknown
  private readonly now: unknown
  private readonly maxChanges: number
  private readonly open = new Set<string>()
  private steps = 0

  constructor(old: unknown, now: unknown, maxChanges: number) {
    this.old = old
    this.now = now
    this.maxChanges = maxChanges
  }

  changes(): SchemaChange[] {
    this.compare(this.old, this.now, '', 0)
    return this.found.slice(0, this.maxChanges)
  }

  private compare(givenOld: unknown, givenNow: unknown, pointer: string, depth: number): void {
    if (depth > MAX_DEPTH || ++this.steps > MAX_STEPS || this.found.length >= this.maxChanges) return
    const pair = JSON.stringify([referenceOf(givenOld), referenceOf(givenNow)])
    const isReference = pair !== '[null,null]'
    // This pair is being compared further up: both schemas are recursive here.
    if (isReference && this.open.has(pair)) return
    if (isReference) this.open.add(pair)
    const old = follow(this.old, givenOld)
    const now = follow(this.now, givenNow)
    if (isRecord(old) && isRecord(now)) this.compareFields(old, now, pointer, depth)
    else if (old !== now) this.compareWhole(old, now, pointer)
    if (isReference) this.open.delete(pair)
  }

  private compareWhole(old: unknown, now: unknown, pointer: string): void {
    const tighter = acceptsAll(old) || now === false
    const wider = acceptsAll(now) || old === false
    if (tighter && wider) return
    const detail = tighter ? 'what was free is described now' : wider ? 'what was described is free now' : 'it differs'
    this.addChange('unknown', pointer, breaksOf(tighter, wider), detail)
  }

  private compareFields(old: Fields, now: Fields, pointer: string, depth: number): void {
    this.compareSets('type', typesOf(old), typesOf(now), pointer)
    this.compareSets('enum', listOf(old['enum']), listOf(now['enum']), pointer)
    this.compareRequired(old, now, pointer)
    for (const keyword of LOWER) this.compareLimit(keyword, old[keyword], now[keyword], 1, pointer)
    for (const keyword of UPPER) this.compareLimit(keyword, old[keyword], now[keyword], -1, pointer)
    this.compareProperties(old, now, pointer, depth)
    if (isRecord(old['items']) && isRecord(now['items'])) {
      this.compare(old['items'], now['items'], `${pointer}/*`, depth + 1)
    } else this.compareOther('items', old, now, pointer)
    for (const keyword of new Set([...Object.keys(old), ...Object.keys(now)])) {
      if (isValidating(keyword) && !KNOWN.has(keyword)) this.compareOther(keyword, old, now, pointer)
    }
  }

  /** Compares `type` or `enum`; undefined stands for a missing keyword, which allows everything. */
  private compareSets(
    kind: 'type' | 'enum',
    old: readonly string[] | undefined,
    now: readonly string[] | undefined,
    pointer: string,
  ): void {
    const gone = now === undefined ? [] : (old ?? []).filter((item) => !now.includes(item))
    const more = old === undefined ? [] : (now ?? []).filter((item) => !old.includes(item))
    const tighter = gone.length > 0 || (old === undefined && now !== undefined)
    const wider = more.length > 0 || (old !== undefined && now === undefined)
    if (!tighter && !wider) return
    const text = (set: readonly string[] | undefined): string => (set === undefined ? 'anything' : set.join(', '))
    this.addChange(kind, pointer, breaksOf(tighter, wider), `was ${text(old)}; is ${text(now)}`)
  }

  private compareRequired(old: Fields, now: Fields, pointer: string): void {
    const before = namesOf(old['required'])
    const after = namesOf(now['required'])
    for (const name of after.filter((one) => !before.includes(one))) {
      this.addChange('required', childPointer(pointer, name), 'publishers', 'required now')
    }
    for (const name of before.filter((one) => !after.includes(one))) {
      this.addChange('required', childPointer(pointer, name), 'consumers', 'no longer required')
    }
  }

  /** `direction` is 1 if a higher limit is tighter, else -1. */
  private compareLimit(keyword: string, old: unknown, now: unknown, direction: 1 | -1, pointer: string): void {
    const before = typeof old === 'number' ? old * direction : -Infinity
    const after = typeof now === 'number' ? now * direction : -Infinity
    if (typeof old === 'boolean' || typeof now === 'boolean') {
      if (old !== now) this.addChange('range', pointer, 'unknown', `${keyword} differs`)
    } else if (before !== after) {
      const detail = `${keyword} was ${shown(old)}, is ${shown(now)}`
      this.addChange('range', pointer, breaksOf(after > before, after < before), detail)
    }
  }

  private compareProperties(old: Fields, now: Fields, pointer: string, depth: number): void {
    const before = isRecord(old['properties']) ? old['properties'] : {}
    const after = isRecord(now['properties']) ? now['properties'] : {}
    for (const name of Object.keys(before)) {
      const at = childPointer(pointer, name)
      if (Object.hasOwn(after, name)) this.compare(before[name], after[name], at, depth + 1)
      else
        this.addChange(
          'removed',
          at,
          now['additionalProperties'] === false ? 'publishers' : 'consumers',
          'field is gone',
        )
    }
    for (const name of Object.keys(after)) {
      if (Object.hasOwn(before, name)) continue
      const at = childPointer(pointer, name)
      this.addChange('added', at, old['additionalProperties'] === false ? 'consumers' : 'none', 'field is new')
    }
  }

  private compareOther(keyword: string, old: Fields, now: Fields, pointer: string): void {
    if (JSON.stringify(old[keyword]) === JSON.stringify(now[keyword])) return
    const tighter = acceptsAll(old[keyword]) && now[keyword] === false
    const wider = old[keyword] === false && acceptsAll(now[keyword])
    this.addChange('unknown', pointer, tighter || wider ? breaksOf(tighter, wider) : 'unknown', `${keyword} differs`)
  }

  private addChange(kind: SchemaChange['kind'], pointer: string, breaks: SchemaChange['breaks'], detail: string): void {
    if (this.found.length < this.maxChanges) this.found.push({ kind, pointer, breaks, detail: detail.slice(0, 200) })
  }
}

function breaksOf(tighter: boolean, wider: boolean): SchemaChange['breaks'] {
  return tighter ? (wider ? 'both' : 'publishers') : wider ? 'consumers' : 'none'
}

function acceptsAll(schema: unknown): boolean {
  return schema === true || schema === undefined || (isRecord(schema) && !Object.keys(schema).some(isValidating))
}

function referenceOf(schema: unknown): string | null {
  return isRecord(schema) && typeof schema['$ref'] === 'string' ? schema['$ref'] : null
}

function follow(root: unknown, schema: unknown): unknown {
  let current = schema
  for (let hops = 0; hops < MAX_DEPTH; hops++) {
    const reference = referenceOf(current)
    if (reference === null) return current
    current = pointerSegments(reference.slice(1)).reduce<unknown>(childOf, root)
  }
  return undefined
}

/** The types that ajv accepts: `number` includes `integer`, and `nullable` adds `null`. */
function typesOf(schema: Fields): string[] | undefined {
  const { type } = schema
  const given = Array.isArray(type) ? type.map(String) : typeof type === 'string' ? [type] : undefined
  if (given === undefined) return undefined
  const types = new Set(given)
  if (schema['nullable'] === true) types.add('null')
  if (types.has('number')) types.add('integer')
  return ALL_TYPES.every((name) => types.has(name)) ? undefined : [...types].toSorted()
}

/** The items as JSON texts, so that 1 and "1" differ. */
function listOf(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.map((item) => JSON.stringify(item)) : undefined
}

function namesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : []
}

function childPointer(pointer: string, name: string): string {
  return `${pointer}/${escapeSegment(name)}`
}

function shown(limit: unknown): string {
  return limit === undefined ? 'open' : String(limit)
}

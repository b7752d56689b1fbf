import { EdgeError, type Place } from '../../../core/errors.ts'
import type { Diagnostic } from '../../contract/contract.ts'
import { escapeSegment, isRecord } from '../../contract/json-pointer.ts'
import { DocumentErrors } from '../source/document-errors.ts'
import type { Source } from '../source/read-source.ts'
import { pointerOf, referenceIn, resolve } from '../source/resolve-reference.ts'

/** An object of the document, and the pointer to its real place, after references. */
export interface Located {
  readonly value: Readonly<Record<string, unknown>>
  readonly pointer: string
}

export interface NamedEntry extends Located {
  readonly name: string
  /** The pointer to the entry in its map, before references. */
  readonly at: string
}

/** Values that a contract may hold: schemas are copied for each message, so a small document can become a huge contract. */
const MAX_EXPANDED_VALUES = 300_000

/** One extraction of one document: follows references, collects diagnostics with their places, and bounds the result. */
export class Extraction {
  readonly root: Readonly<Record<string, unknown>>
  readonly version: string
  readonly diagnostics: Diagnostic[] = []
  /** Errors that refuse the document in any mode. */
  readonly errors: EdgeError[] = []
  /** Extracted messages, and the pointers to their real places. */
  readonly messagePointers = new Map<object, string>()
  private readonly placeOf: (pointer: string) => Place
  private expanded = 0
  private anonymous = 0

  constructor(source: Source) {
    this.root = source.value
    this.version = source.version
    this.placeOf = source.placeOf
  }

  get isV2(): boolean {
    return this.version.startsWith('2.')
  }

  /** The object that a value is or refers to. Reports an error for a value of another type. */
  object(value: unknown, pointer: string): Located | undefined {
    if (value === undefined || value === null) return undefined
    const found = resolve(this.root, value, pointer)
    if (found !== undefined && isRecord(found.value)) return { value: found.value, pointer: found.pointer }
    // References without a target were reported by readSource.
    if (found !== undefined) this.report('error', 'An object is expected here.', pointer)
    return undefined
  }

  /** As `object`, but a reference without a target is an empty message: the channel carries it, whatever it is. */
  message(value: unknown, pointer: string): Located | undefined {
    const target = pointerOf(referenceIn(value) ?? '')
    const known = this.object(value, pointer)
    if (known !== undefined || target === undefined || resolve(this.root, value, pointer) !== undefined) return known
    return { value: {}, pointer: target }
  }

  /** The objects of a map, in their order, without extensions (`x-…`). A name without a value is an empty object. */
  entries(value: unknown, pointer: string, kind: 'object' | 'message' = 'object'): NamedEntry[] {
    const map = this.object(value, pointer)
    if (map === undefined) return []
    return Object.entries(map.value).flatMap(([name, item]) => {
      if (name.startsWith('x-')) return []
      const at = `${map.pointer}/${escapeSegment(name)}`
      const found = this[kind](item ?? {}, at)
      return found === undefined ? [] : [{ ...found, name, at }]
    })
  }

  report(severity: Diagnostic['severity'], message: string, pointer: string): void {
    const { line, column } = this.placeOf(pointer)
    this.diagnostics.push({
      severity,
      message,
      pointer,
      ...(line === undefined || column === undefined ? {} : { line, column }),
    })
  }

  refuse(
    message: string,
    pointer: string,
    code: 'document-invalid' | 'document-no-channels' = 'document-invalid',
  ): void {
    this.errors.push(new EdgeError(code, message, { place: this.placeOf(pointer) }))
  }

  /** Counts values of the contract. Throws `document-limit` when it becomes too large. */
  spend(values: number): void {
    this.expanded += values
    if (this.expanded <= MAX_EXPANDED_VALUES) return
    const message = `With its references followed the document holds more than ${MAX_EXPANDED_VALUES} values.`
    throw new DocumentErrors([new EdgeError('document-limit', message, { place: this.placeOf('') })])
  }

  /** A name for a message without one: `anonymous-1` and so on, in the order of the document. */
  nextAnonymous(): string {
    return `anonymous-${++this.anonymous}`
  }

  /** Copies a value with every reference replaced by its target; a reference into itself becomes an empty object. */
  expand(value: unknown, inside: readonly string[] = []): unknown {
    this.spend(1)
    if (Array.isArray(value)) return value.map((item) => this.expand(item, inside))
    if (!isRecord(value)) return value
    if (referenceIn(value) !== undefined) {
      const found = resolve(this.root, value, '')
      if (found === undefined || inside.includes(found.pointer)) return {}
      return this.expand(found.value, [...inside, found.pointer])
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.expand(item, inside)]))
  }

  /** As `expand`, for fields that hold an object, such as bindings. */
  expandObject(value: unknown): Record<string, unknown> {
    const expanded = this.expand(value ?? {})
    return isRecord(expanded) ? expanded : {}
  }
}

/** The text of a field; unquoted numbers of YAML (`version: 1.0`) count as text. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
}

/** An object with the field, such as `{ description }`, or without it if the value is no text. */
export function optionalText<K extends string>(key: K, value: unknown): { [P in K]?: string } {
  const text = textOf(value)
  const fields: { [P in K]?: string } = {}
  if (text !== undefined) fields[key] = text
  return fields
}

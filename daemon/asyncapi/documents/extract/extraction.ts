import { EdgeError, type Place } from '../../../core/errors.ts'
import type { Diagnostic } from '../../contract/contract.ts'
import { escapeSegment, isRecord } from '../../schemas/schema-keywords.ts'
import { DocumentErrors } from '../document-errors.ts'
import type { Source } from '../source/read-source.ts'
import { pointerOf, referenceIn, resolve } from '../source/resolve-reference.ts'

/** An object of the document and where it really stands. */
export interface Located {
  readonly value: Readonly<Record<string, unknown>>
  readonly pointer: string
}

export interface NamedEntry extends Located {
  readonly name: string
  /** Where the entry stands in its map, before references. */
  readonly at: string
}

/** Values that all contracts of one document may hold together: schemas are bundled once for each message. */
const MAX_EXPANDED_VALUES = 300_000

/** One run over one document: follows references, gathers what is wrong with their places, bounds the result. */
export class Extraction {
  readonly root: Readonly<Record<string, unknown>>
  readonly version: string
  readonly diagnostics: Diagnostic[] = []
  /** What refuses the document in any mode. */
  readonly errors: EdgeError[] = []
  /** Where messages of the contract really stand. */
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

  /** The object that a value is or refers to; undefined, with an error if anything stands there at all. */
  object(value: unknown, pointer: string): Located | undefined {
    if (value === undefined || value === null) return undefined
    const found = resolve(this.root, value, pointer)
    if (found !== undefined && isRecord(found.value)) return { value: found.value, pointer: found.pointer }
    // A reference that leads nowhere is told of by readSource.
    if (found !== undefined) this.report('error', 'An object is expected here.', pointer)
    return undefined
  }

  /** `object` for messages: where a reference leads nowhere there is one, of which nothing is known. */
  message(value: unknown, pointer: string): Located | undefined {
    const target = pointerOf(referenceIn(value) ?? '')
    const known = this.object(value, pointer)
    if (known !== undefined || target === undefined || resolve(this.root, value, pointer) !== undefined) return known
    return { value: {}, pointer: target }
  }

  /** The objects of a map, in their order; extensions are left out. A name without a value is one of nothing. */
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

  /** Throws `document-limit` where the contract would become too large. */
  spend(values: number): void {
    this.expanded += values
    if (this.expanded <= MAX_EXPANDED_VALUES) return
    const message = `With its references followed the document holds more than ${MAX_EXPANDED_VALUES} values.`
    throw new DocumentErrors([new EdgeError('document-limit', message, { place: this.placeOf('') })])
  }

  /** A name for a message that has none: `anonymous-1` … in the order of the document. */
  nextAnonymous(): string {
    return `anonymous-${++this.anonymous}`
  }

  /** A copy with every reference replaced by its target; one that leads into itself becomes an empty object. */
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

  /** `expand` for fields that hold an object, such as bindings. */
  expandObject(value: unknown): Record<string, unknown> {
    const expanded = this.expand(value ?? {})
    return isRecord(expanded) ? expanded : {}
  }
}

/** A text field; unquoted numbers of YAML (`version: 1.0`) count as text. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
}

/** `{ description }` or nothing, for optional fields. */
export function optionalText<K extends string>(key: K, value: unknown): { [P in K]?: string } {
  const text = textOf(value)
  const fields: { [P in K]?: string } = {}
  if (text !== undefined) fields[key] = text
  return fields
}

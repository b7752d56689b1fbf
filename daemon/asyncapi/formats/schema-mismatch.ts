import { escapeSegment } from '../schemas/schema-keywords.ts'
import { shortText } from '../schemas/violation.ts'
import { Undecodable } from './payload-format.ts'

/** Thrown where a payload is not what an Avro or Protobuf schema describes. */
export class SchemaMismatch extends Error {
  readonly pointer: string
  readonly keyword: string
  readonly expected: string
  readonly actual: string

  constructor(pointer: string, keyword: string, expected: string, actual: string) {
    super(`${pointer}: expected ${expected}, not ${actual}`)
    this.pointer = pointer
    this.keyword = keyword
    this.expected = expected.slice(0, 200)
    this.actual = actual
  }

  /** A value of another type. */
  static type(pointer: string, expected: string, value: unknown): SchemaMismatch {
    return new SchemaMismatch(pointer, 'type', expected, value === undefined ? 'nothing' : shortText(value))
  }

  get undecodable(): Undecodable {
    return new Undecodable('payload-invalid', this.expected, this.actual, this.pointer, this.keyword)
  }
}

export function pointerTo(pointer: string, name: string | number): string {
  return `${pointer}/${escapeSegment(String(name))}`
}

/** What `read` gives; an Undecodable where it finds a mismatch. */
export function decoded(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SchemaMismatch)) throw error
    return error.undecodable
  }
}

import { EdgeError, type ErrorCode } from './errors.ts'
import type { Violation } from './message.ts'

/** A message that was published over the API is not valid. Nothing was stored. */
export class MessageRefused extends EdgeError {
  readonly violations: readonly Violation[]
  /** `name@version` of the document, and the message in it that the payload comes nearest to. */
  readonly document: string | null
  readonly nearest: string | null

  constructor(
    code: ErrorCode,
    violations: readonly Violation[],
    document: string | null = null,
    nearest: string | null = null,
  ) {
    const [first] = violations
    const what =
      first === undefined ? 'it is not valid' : `${first.pointer || 'the payload'}: expected ${first.expected}`
    super(code, `The message is refused: ${what}.`, first === undefined ? {} : { place: { field: first.pointer } })
    this.name = 'MessageRefused'
    this.violations = violations
    this.document = document
    this.nearest = nearest
  }
}

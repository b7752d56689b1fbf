import { EdgeError, type ErrorCode, type Place } from '../../core/errors.ts'

const MAX_ERRORS = 100
/** Both hold names of the document, which may be as long as the document. */
const MAX_TEXT = 1_000

/** A document that was refused: its own code and place are those of the first error. */
export class DocumentErrors extends EdgeError {
  /** At least one, at most 100. */
  readonly errors: readonly EdgeError[]

  constructor(errors: readonly EdgeError[]) {
    const [first] = errors
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
    const message = `${first?.message ?? 'The document is invalid.'}${more}`
    super(
      first?.code ?? 'document-invalid',
      message,
      first === undefined ? {} : { place: first.place, hint: first.hint },
    )
    this.name = 'DocumentErrors'
    this.errors = errors.slice(0, MAX_ERRORS)
  }
}

/** An error as it crosses the process boundary. */
export interface PlainError {
  code: ErrorCode
  message: string
  hint: string
  place: Place
}

/** The single errors behind whatever was thrown, plain; undefined if it is not one of ours. */
export function toPlainErrors(error: unknown): PlainError[] | undefined {
  if (!(error instanceof EdgeError)) return undefined
  const errors = error instanceof DocumentErrors ? error.errors : [error]
  return errors.map(({ code, message, hint, place }) => ({
    code,
    message: message.slice(0, MAX_TEXT),
    hint,
    place: place.field === undefined ? place : { ...place, field: place.field.slice(0, MAX_TEXT) },
  }))
}

export function fromPlainErrors(errors: readonly PlainError[]): DocumentErrors {
  return new DocumentErrors(
    errors.map(({ code, message, hint, place }) => new EdgeError(code, message, { place, hint })),
  )
}

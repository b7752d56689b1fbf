import { EdgeError } from '../../../core/errors.ts'

const MAX_ERRORS = 100

/** Refuses a document, with all of its errors; code, place and hint are those of the first. */
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

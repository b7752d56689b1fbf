/** The answer of the checking process. It crosses the process boundary as JSON, so errors are plain objects in it. */
import { EdgeError, type ErrorCode, type Place } from '../../core/errors.ts'
import type { Contract } from '../contract/contract.ts'
import { DocumentErrors } from './source/document-errors.ts'

export type CheckAnswer =
  | { readonly contract: Contract }
  | { readonly errors: readonly PlainError[] }
  /** The process could not do its work; the text says why. */
  | { readonly failure: string }

export interface PlainError {
  code: ErrorCode
  message: string
  hint: string
  place: Place
}

/** Messages and fields contain names of the document, which may be as long as the document. */
const MAX_TEXT = 1_000

/** Checks only the kind of the answer: it comes from our own code. */
export function isCheckAnswer(value: unknown): value is CheckAnswer {
  return typeof value === 'object' && value !== null && ('contract' in value || 'errors' in value || 'failure' in value)
}

/** The errors behind an exception; undefined for one that is not an EdgeError. */
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

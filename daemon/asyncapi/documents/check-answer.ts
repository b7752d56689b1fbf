import type { Contract } from '../contract/contract.ts'
import type { PlainError } from './document-errors.ts'

/** What the checking process sends back. */
export type CheckAnswer =
  | { readonly contract: Contract }
  | { readonly errors: readonly PlainError[] }
  /** It could not do its work. */
  | { readonly failure: string }

/** The answer comes from our own code; only its kind is looked at. */
export function isCheckAnswer(value: unknown): value is CheckAnswer {
  return typeof value === 'object' && value !== null && ('contract' in value || 'errors' in value || 'failure' in value)
}

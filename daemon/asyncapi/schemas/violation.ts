import type { ErrorObject } from 'ajv'
import { escapeControls, escapeUnseen } from '../../core/escape-text.ts'
import type { Violation } from '../../core/message.ts'
import { readPointer } from '../contract/json-pointer.ts'

const MAX_TEXT = 200
const MAX_POINTER = 1_000
const MAX_VIOLATIONS = 10

/** Describes a value in at most 200 characters. */
export function shortText(value: unknown): string {
  if (Array.isArray(value)) return `array of ${value.length} items`
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value)
    return bounded(keys.length === 0 ? 'empty object' : escapeControls(`object with ${keys.slice(0, 10).join(', ')}`))
  }
  return bounded(typeof value === 'string' ? escapeUnseen(JSON.stringify(value.slice(0, MAX_TEXT))) : String(value))
}

/** Translates ajv's errors, at most 10 of them. `value` is the checked value. */
export function toViolations(errors: readonly ErrorObject[] | null | undefined, value: unknown): Violation[] {
  return (errors ?? []).slice(0, MAX_VIOLATIONS).map((error) => ({
    pointer: bounded(escapeControls(error.instancePath), MAX_POINTER),
    keyword: error.keyword,
    expected: bounded(expectedOf(error)),
    actual: shortText(readPointer(value, error.instancePath)),
  }))
}

function expectedOf({ keyword, params, message }: ErrorObject): string {
  const given: Record<string, unknown> = params
  switch (keyword) {
    case 'type':
      return String(given['type'])
    case 'required':
      return `property ${JSON.stringify(given['missingProperty'])}`
    case 'additionalProperties':
      return `no property ${JSON.stringify(given['additionalProperty'])}`
    case 'enum':
      return `one of ${JSON.stringify(given['allowedValues'])}`
    case 'const':
      return JSON.stringify(given['allowedValue'])
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `${String(given['comparison'])} ${String(given['limit'])}`
    case 'pattern':
      return `text that matches ${String(given['pattern'])}`
    case 'format':
      return String(given['format'])
    case 'uniqueItems':
      return 'items that all differ'
    case 'false schema':
      return 'nothing'
    default:
      return (message ?? keyword).replace(/^must /, 'to ')
  }
}

function bounded(text: string, most = MAX_TEXT): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}

import { EdgeError, type Place } from '../../../core/errors.ts'
import { isRecord } from '../../contract/json-pointer.ts'
import { checkReferences, leaveOutExamples, type FaultyReference } from './check-references.ts'
import { DocumentErrors } from './document-errors.ts'
import { parseText } from './parse-text.ts'
import type { SourceMap } from './source-map.ts'

const EXAMPLES_HINT =
  'Set mode: lenient, which accepts it without the examples of other files, or bundle the document first.'
const SUPPORTED = /^(?:2\.[0-6]|3\.[01])\.\d+$/

/** A document as a plain value that is safe to walk: bounded, without cycles and without references to outside. */
export interface Source {
  readonly value: Readonly<Record<string, unknown>>
  /** The `asyncapi` field: 2.0.x to 2.6.x, 3.0.x or 3.1.x. */
  readonly version: string
  /** References without a target, and references of examples that were left out. */
  readonly faulty: readonly FaultyReference[]
  /** Line and column of a JSON pointer. */
  placeOf(pointer: string): Place
}

/**
 * Reads a document from YAML or JSON. Throws DocumentErrors, each error with its place: `document-limit` (size, depth,
 * aliases), `document-syntax` (also for duplicate keys), `document-invalid` (not an AsyncAPI document, or an unsupported
 * version), `document-reference` (a `$ref` that leaves the document; lenient mode drops examples with such a `$ref`).
 * Blocks while it parses, so it is meant for the child process.
 */
export function readSource(given: string, file?: string, mode: 'strict' | 'lenient' = 'strict'): Source {
  const at: Place = file === undefined ? {} : { file }
  const { value, map } = parseText(given, at)
  if (!isRecord(value)) throw invalid('The document is not an object.', { ...at, line: 1, column: 1 })
  const version = checkVersion(value, map)
  const { leaving, dangling } = checkReferences(value)
  const inExamples = leaving.length > 0 && leaveOutExamples(value, leaving)
  // A second check finds those above the number of faults that one check lists.
  if (leaving.length > 0 && (mode === 'strict' || !inExamples || checkReferences(value).leaving.length > 0)) {
    const options = inExamples ? { hint: EXAMPLES_HINT } : {}
    throw new DocumentErrors(
      leaving.map(
        ({ message, pointer }) =>
          new EdgeError('document-reference', message, { place: map.placeOf(pointer), ...options }),
      ),
    )
  }
  return { value, version, faulty: [...leaving, ...dangling], placeOf: (pointer) => map.placeOf(pointer) }
}

function checkVersion(value: Readonly<Record<string, unknown>>, map: SourceMap): string {
  const version = value['asyncapi']
  if (typeof version === 'string' && SUPPORTED.test(version)) return version
  const message =
    version === undefined
      ? 'The document has no asyncapi field.'
      : `asyncapi: ${JSON.stringify(version)?.slice(0, 40)} is not supported: 2.0.0 to 2.6.0, 3.0.0 and 3.1.0 are, as text.`
  throw invalid(message, map.placeOf(version === undefined ? '' : '/asyncapi'))
}

function invalid(message: string, place: Place): DocumentErrors {
  return new DocumentErrors([new EdgeError('document-invalid', message, { place })])
}

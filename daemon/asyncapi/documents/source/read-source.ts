import { LineCounter, parseDocument, type Document, type YAMLError } from 'yaml'
import { EdgeError, messageOf, type Place } from '../../../core/errors.ts'
import { isRecord } from '../../schemas/schema-keywords.ts'
import { DocumentErrors } from '../document-errors.ts'
import { checkReferences, type FaultyReference } from './check-references.ts'
import { findDuplicateKeys } from './duplicate-keys.ts'
import { jsonFaultOffset, lineAndColumn } from './json-fault.ts'
import { leaveOutExamples } from './leave-out-examples.ts'
import { SourceMap } from './source-map.ts'

export const MAX_DOCUMENT_BYTES = 5 * 1024 * 1024
export const MAX_DOCUMENT_DEPTH = 100
/** Values in a document after its aliases have been followed. */
const MAX_VALUES = 500_000
const MAX_ALIASES = 1_000
const MAX_FAULTS = 20

const EXAMPLES_HINT =
  'Examples may stand elsewhere in lenient mode only: bundle the document first; mode: lenient would take it without these.'
const SUPPORTED = /^(?:2\.[0-6]|3\.[01])\.\d+$/

/** A document's text as a plain value that is safe to walk: bounded, without cycles and without outside references. */
export interface Source {
  readonly value: Readonly<Record<string, unknown>>
  /** The `asyncapi` field, one of 2.0.x-2.6.x, 3.0.x, 3.1.x. */
  readonly version: string
  /** References that lead nowhere, and those of examples that were left out: what they stand for is not there. */
  readonly faulty: readonly FaultyReference[]
  /** Line and column of a JSON pointer. */
  placeOf(pointer: string): Place
}

/**
 * Reads YAML or JSON. Throws DocumentErrors: `document-limit` (size, depth, aliases), `document-syntax` (also duplicate
 * keys), `document-invalid` (no AsyncAPI document, unsupported version), `document-reference` (a `$ref` that leaves the
 * document; lenient mode leaves out an example that is one), each with its place. Blocks for as long as parsing takes:
 * meant for the child process.
 */
export function readSource(given: string, file?: string, mode: 'strict' | 'lenient' = 'strict'): Source {
  const at: Place = file === undefined ? {} : { file }
  checkSize(given, at)
  // JSON.parse takes no byte order mark.
  const text = given.startsWith('\u{feff}') ? given.slice(1) : given
  const lines = new LineCounter()
  const document = parse(text, lines, at)
  const map = new SourceMap(document, lines, file)
  checkSyntax(text, document, map, at)
  const value = toPlain(document, at)
  checkShape(value, map)
  if (!isRecord(value))
    throw refuse('document-invalid', 'The document is not an object.', { ...at, line: 1, column: 1 })
  const version = checkVersion(value, map)
  const { leaving, dangling } = checkReferences(value)
  const inExamples = leaving.length > 0 && leaveOutExamples(value, leaving)
  // There are more than were told of: then it is no example here and there.
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

/** The bound that costs nothing to check: worth it before a process is started for the rest. */
export function checkSize(text: string, place: Place = {}): void {
  const bytes = Buffer.byteLength(text)
  if (bytes <= MAX_DOCUMENT_BYTES) return
  throw refuse('document-limit', `The document has ${bytes} bytes; ${MAX_DOCUMENT_BYTES} are accepted.`, place)
}

function parse(text: string, lines: LineCounter, at: Place): Document {
  try {
    return parseDocument(text, {
      lineCounter: lines,
      uniqueKeys: false,
      merge: true,
      prettyErrors: false,
      logLevel: 'error',
    })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw refuse('document-limit', `The document nests deeper than ${MAX_DOCUMENT_DEPTH} levels.`, at, error)
  }
}

function checkSyntax(text: string, document: Document, map: SourceMap, at: Place): void {
  // JSON keeps its own strictness: YAML reads `{"a": }` as null.
  if (/^\s*\{\s*"/.test(text)) checkJson(text, at)
  if (document.errors.length > 0) {
    throw new DocumentErrors(document.errors.slice(0, MAX_FAULTS).map((error) => syntaxError(error, map)))
  }
  const duplicates = findDuplicateKeys(document.contents).slice(0, MAX_FAULTS)
  if (duplicates.length === 0) return
  throw new DocumentErrors(
    duplicates.map(({ key, offset }) => {
      const message = `The key ${JSON.stringify(key.slice(0, 100))} stands twice in one object.`
      return new EdgeError('document-syntax', message, { place: map.placeAt(offset) })
    }),
  )
}

function checkJson(text: string, at: Place): void {
  try {
    JSON.parse(text)
  } catch (cause) {
    const place = { ...at, ...lineAndColumn(text, jsonFaultOffset(text)) }
    const message = messageOf(cause).replace(/ in JSON at position .*$/s, '')
    throw new DocumentErrors([new EdgeError('document-syntax', message, { cause, place })])
  }
}

function syntaxError(error: YAMLError, map: SourceMap): EdgeError {
  const place = map.placeAt(error.pos[0])
  if (error.code !== 'RESOURCE_EXHAUSTION')
    return new EdgeError('document-syntax', error.message, { cause: error, place })
  const message = `The document nests deeper than ${MAX_DOCUMENT_DEPTH} levels.`
  return new EdgeError('document-limit', message, { cause: error, place })
}

function toPlain(document: Document, at: Place): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES })
    return value
  } catch (error) {
    if (error instanceof RangeError) {
      throw refuse('document-limit', `The document nests deeper than ${MAX_DOCUMENT_DEPTH} levels.`, at, error)
    }
    if (error instanceof ReferenceError) {
      throw refuse('document-limit', 'The aliases of the document expand to more than a gateway accepts.', at, error)
    }
    throw error
  }
}

/** Without recursion, so that depth cannot end the process; an alias inside its own anchor has no bottom. */
function checkShape(root: unknown, map: SourceMap): void {
  const open: { value: unknown; depth: number }[] = [{ value: root, depth: 0 }]
  let count = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next
    if (++count > MAX_VALUES) {
      throw refuse('document-limit', `The document holds more than ${MAX_VALUES} values.`, map.placeAt(0))
    }
    if (typeof value !== 'object' || value === null) continue
    if (depth >= MAX_DOCUMENT_DEPTH) {
      throw refuse('document-limit', `The document nests deeper than ${MAX_DOCUMENT_DEPTH} levels.`, map.placeAt(0))
    }
    for (const child of Object.values(value)) open.push({ value: child, depth: depth + 1 })
  }
}

function checkVersion(value: Readonly<Record<string, unknown>>, map: SourceMap): string {
  const version = value['asyncapi']
  if (typeof version === 'string' && SUPPORTED.test(version)) return version
  const what =
    version === undefined
      ? 'The document has no asyncapi field.'
      : `asyncapi: ${JSON.stringify(version)?.slice(0, 40)} is not supported: 2.0.0 to 2.6.0, 3.0.0 and 3.1.0 are, as text.`
  throw refuse('document-invalid', what, map.placeOf(version === undefined ? '' : '/asyncapi'))
}

function refuse(
  code: 'document-limit' | 'document-invalid',
  message: string,
  place: Place,
  cause?: unknown,
): DocumentErrors {
  return new DocumentErrors([new EdgeError(code, message, { place, cause })])
}

import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Document, type YAMLError } from 'yaml'
import { EdgeError, messageOf, type Place } from '../../../core/errors.ts'
import { jsonFaultOffset, lineAndColumn } from '../../../core/json-fault.ts'
import { DocumentErrors } from './document-errors.ts'
import { SourceMap } from './source-map.ts'

const MAX_DOCUMENT_BYTES = 5 * 1024 * 1024
const MAX_DOCUMENT_DEPTH = 100
/** Values in a document after its aliases have been expanded. */
const MAX_VALUES = 500_000
const MAX_ALIASES = 1_000
const MAX_FAULTS = 20
const TOO_DEEP = `The document nests deeper than ${MAX_DOCUMENT_DEPTH} levels.`

/**
 * Parses YAML or JSON to a plain value, bounded in size and depth, and without cycles. Throws DocumentErrors
 * `document-limit` (size, depth, aliases) or `document-syntax` (also for duplicate keys).
 */
export function parseText(given: string, at: Place): { value: unknown; map: SourceMap } {
  checkSize(given, at)
  // JSON.parse accepts no byte order mark.
  const text = given.startsWith('\u{feff}') ? given.slice(1) : given
  const lines = new LineCounter()
  const document = parseYaml(text, lines, at)
  const map = new SourceMap(document, lines, at.file)
  checkSyntax(text, document, map, at)
  const value = toPlain(document, at)
  checkShape(value, map)
  return { value, map }
}

/** Throws `document-limit` for a text that is too large. Cheap, so it is worth a call before a process is started. */
export function checkSize(text: string, place: Place = {}): void {
  const bytes = Buffer.byteLength(text)
  if (bytes <= MAX_DOCUMENT_BYTES) return
  throw limitError(`The document has ${bytes} bytes; ${MAX_DOCUMENT_BYTES} are accepted.`, place)
}

function parseYaml(text: string, lines: LineCounter, at: Place): Document {
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
    throw limitError(TOO_DEEP, at, error)
  }
}

function checkSyntax(text: string, document: Document, map: SourceMap, at: Place): void {
  // JSON is checked by its own, stricter rules: YAML reads `{"a": }` as null.
  if (/^\s*\{\s*"/.test(text)) checkJson(text, at)
  if (document.errors.length > 0) {
    throw new DocumentErrors(document.errors.slice(0, MAX_FAULTS).map((error) => syntaxError(error, map)))
  }
  const duplicates = findDuplicateKeys(document.contents).slice(0, MAX_FAULTS)
  if (duplicates.length === 0) return
  throw new DocumentErrors(
    duplicates.map(({ key, offset }) => {
      const message = `The key ${JSON.stringify(key.slice(0, 100))} occurs twice in one object.`
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
  return error.code === 'RESOURCE_EXHAUSTION'
    ? new EdgeError('document-limit', TOO_DEEP, { cause: error, place })
    : new EdgeError('document-syntax', error.message, { cause: error, place })
}

interface DuplicateKey {
  readonly key: string
  /** Characters from the beginning of the text. */
  readonly offset: number
}

/** Finds keys that occur twice in one map, in linear time; the YAML parser's own check is quadratic. */
function findDuplicateKeys(root: unknown): DuplicateKey[] {
  const found: DuplicateKey[] = []
  const open: unknown[] = [root]
  while (open.length > 0) {
    const node = open.pop()
    if (isSeq(node)) for (const item of node.items) open.push(item)
    if (isPair(node)) open.push(node.value)
    if (!isMap(node)) continue
    const keys = new Set<string>()
    for (const { key, value } of node.items) {
      open.push(value)
      if (!isScalar(key)) continue
      const name = String(key.value)
      // The merge key `<<` may occur several times.
      if (keys.has(name) && name !== '<<') found.push({ key: name, offset: key.range?.[0] ?? 0 })
      keys.add(name)
    }
  }
  return found.sort((a, b) => a.offset - b.offset)
}

function toPlain(document: Document, at: Place): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES })
    return value
  } catch (error) {
    if (error instanceof RangeError) throw limitError(TOO_DEEP, at, error)
    if (error instanceof ReferenceError)
      throw limitError('The aliases of the document expand to more than a gateway accepts.', at, error)
    throw error
  }
}

/** Not recursive, so that no depth can crash the process: an alias inside its own anchor makes a value of endless depth. */
function checkShape(root: unknown, map: SourceMap): void {
  const open: { value: unknown; depth: number }[] = [{ value: root, depth: 0 }]
  let count = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next
    if (++count > MAX_VALUES) throw limitError(`The document holds more than ${MAX_VALUES} values.`, map.placeAt(0))
    if (typeof value !== 'object' || value === null) continue
    if (depth >= MAX_DOCUMENT_DEPTH) throw limitError(TOO_DEEP, map.placeAt(0))
    for (const child of Object.values(value)) open.push({ value: child, depth: depth + 1 })
  }
}

function limitError(message: string, place: Place, cause?: unknown): DocumentErrors {
  return new DocumentErrors([new EdgeError('document-limit', message, { place, cause })])
}

import { Parser, type SchemaParser } from '@asyncapi/parser'
import type { Diagnostic } from '../contract/contract.ts'
import { escapeSegment, isRecord } from '../schemas/schema-keywords.ts'
import type { Source } from './source/read-source.ts'

/** Numbered by the parser, as in the Language Server Protocol less one. */
const SEVERITIES = ['error', 'warning', 'information', 'hint'] as const
/** Values that are missing are what makes it stumble. */
const UNFINISHED = 'The AsyncAPI parser could not read this document to its end: look for keys without a value.'
/** The parser knows these itself. */
const OWN_FORMATS = /^application\/(?:vnd\.aai\.asyncapi|schema)\b/

/**
 * What the official AsyncAPI parser says of a document. It is given the value that `readSource` has read, never the
 * text, so that its own YAML reader meets no alias. For the child process only: it takes 130 MB and seconds.
 */
export async function parserVerdict(source: Source): Promise<Diagnostic[]> {
  // One parser a document: a shared one keeps what it has resolved.
  const parser = new Parser()
  parser.registerSchemaParser(otherFormats(source.value))
  const found = await parser.validate(JSON.stringify(source.value))
  return found.map(({ severity, message: said, path, code }) => {
    // Else its message is a stack.
    const message = code === 'uncaught-error' ? UNFINISHED : said
    const pointer = path.map((segment) => `/${escapeSegment(String(segment))}`).join('')
    const { line, column } = source.placeOf(pointer)
    const at = line === undefined || column === undefined ? {} : { line, column }
    return { severity: SEVERITIES[severity] ?? 'error', message, pointer, ...at }
  })
}

/** Schemas of other formats are judged by `lintContract`, which compiles them; the parser would refuse each one. */
function otherFormats(root: unknown): SchemaParser {
  const formats = new Set<string>()
  const open: unknown[] = [root]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (Array.isArray(value)) open.push(...value.filter((item) => typeof item === 'object' && item !== null))
    if (!isRecord(value)) continue
    const { schemaFormat } = value
    if (typeof schemaFormat === 'string' && !OWN_FORMATS.test(schemaFormat)) formats.add(schemaFormat)
    for (const item of Object.values(value)) if (typeof item === 'object' && item !== null) open.push(item)
  }
  return { validate: () => [], parse: () => ({}), getMimeTypes: () => [...formats] }
}

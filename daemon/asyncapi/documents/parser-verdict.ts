import { Parser, type SchemaParser } from '@asyncapi/parser'
import type { Diagnostic } from '../contract/contract.ts'
import { escapeSegment, isRecord } from '../contract/json-pointer.ts'
import type { Source } from './source/read-source.ts'

/** By the parser's numbers: those of the Language Server Protocol, minus one. */
const SEVERITIES = ['error', 'warning', 'information', 'hint'] as const
/** The parser throws an internal error mostly for keys without a value. */
const UNFINISHED = 'The AsyncAPI parser could not read this document to its end: look for keys without a value.'
/** Schema formats that the parser supports itself. */
const OWN_FORMATS = /^application\/(?:vnd\.aai\.asyncapi|schema)\b/

/**
 * The diagnostics of the official AsyncAPI parser. It receives the value that `readSource` has read, never the text, so
 * that no hostile YAML reaches its own reader. For the child process only: it takes 130 MB and seconds.
 */
export async function parserVerdict(source: Source): Promise<Diagnostic[]> {
  // A new parser for each document: a shared one would keep every document that it has resolved.
  const parser = new Parser()
  parser.registerSchemaParser(otherFormats(source.value))
  const found = await parser.validate(JSON.stringify(source.value))
  return found.map(({ severity, message: original, path, code }) => {
    // The parser's own message would be a stack trace.
    const message = code === 'uncaught-error' ? UNFINISHED : original
    const pointer = path.map((segment) => `/${escapeSegment(String(segment))}`).join('')
    const { line, column } = source.placeOf(pointer)
    const at = line === undefined || column === undefined ? {} : { line, column }
    return { severity: SEVERITIES[severity] ?? 'error', message, pointer, ...at }
  })
}

/** Accepts schemas of all other formats, which the parser would refuse: `lintContract` compiles and judges them. */
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

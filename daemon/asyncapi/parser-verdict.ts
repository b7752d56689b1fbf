import { Parser } from '@asyncapi/parser'
import type { Diagnostic } from './contract.ts'
import type { Source } from './read-source.ts'
import { escapeSegment } from './schema-keywords.ts'

/** Numbered by the parser, as in the Language Server Protocol less one. */
const SEVERITIES = ['error', 'warning', 'information', 'hint'] as const

/**
 * What the official AsyncAPI parser says of a document. It is given the value that `readSource` has read, never the
 * text, so that its own YAML reader meets no alias. For the child process only: it takes 130 MB and seconds.
 */
export async function parserVerdict(source: Source): Promise<Diagnostic[]> {
  // One parser a document: a shared one keeps what it has resolved.
  const found = await new Parser().validate(JSON.stringify(source.value))
  return found.map(({ severity, message, path }) => {
    const pointer = path.map((segment) => `/${escapeSegment(String(segment))}`).join('')
    const { line, column } = source.placeOf(pointer)
    const at = line === undefined || column === undefined ? {} : { line, column }
    return { severity: SEVERITIES[severity] ?? 'error', message, pointer, ...at }
  })
}

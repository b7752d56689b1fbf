import { join, resolve } from 'node:path'
import { list, shorthand } from '../schema/schema-collections.ts'
import { object, optional, required, withDefault } from '../schema/schema-object.ts'
import { choice, text } from '../schema/schema-scalars.ts'
import { refine, reportInvalid, type Schema } from '../schema/schema.ts'

/** A document to register at start. */
export interface AsyncapiEntry {
  /** Absolute; may be a glob pattern, which expandDocuments expands. */
  file: string
  name?: string
  mode: 'lenient' | 'strict'
}

const GLOB = /[*?[\]{}]/

export function isGlob(file: string): boolean {
  return GLOB.test(file)
}

const filePattern = refine(text({ maxLength: 4096, expected: 'a path' }), (value, node) => {
  const { base } = node.spot.origin
  // Escaped, because only the written value is a pattern: the folder of the configuration may be called `[a]`.
  return isGlob(value) ? join(base.replaceAll(/[*?[]/g, '[$&]'), value) : resolve(base, value)
})

const fullEntry = refine(
  object<AsyncapiEntry>({
    file: required('file', filePattern, 'The document, or a glob pattern.'),
    name: optional(
      'name',
      text({ maxLength: 255 }),
      "The name to register under. Default: the document's `info.title`.",
    ),
    mode: withDefault(
      'mode',
      choice(['lenient', 'strict']),
      'lenient',
      '`strict` refuses what `lenient` only reports.',
    ),
  }),
  (entry, node, field, context) => {
    const written = node.kind === 'map' ? node.entries.get('file')?.value : undefined
    const isPattern = written?.kind === 'scalar' && isGlob(String(written.value))
    if (entry.name === undefined || !isPattern) return entry
    return reportInvalid(context, node, field, 'no name where the file is a pattern')
  },
)

const shortEntry = refine(filePattern, (file): AsyncapiEntry => ({ file, mode: 'lenient' }))

export const asyncapiSchema: Schema<AsyncapiEntry[]> = list(shorthand(shortEntry, fullEntry))

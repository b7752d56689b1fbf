import { existsSync, globSync } from 'node:fs'

import { type AsyncapiEntry, isGlob } from './asyncapi-settings.ts'
import type { Settings } from './settings.ts'

/**
 * The documents that the patterns name now, in the order of the list, each file once. A file that is named
 * without a pattern is kept even if it is missing, so that reading it says so.
 */
export function expandDocuments(settings: Pick<Settings, 'asyncapi'>): AsyncapiEntry[] {
  const found = new Map<string, AsyncapiEntry>()
  for (const entry of settings.asyncapi) {
    for (const file of filesOf(entry.file)) {
      if (!found.has(file)) found.set(file, { ...entry, file })
    }
  }
  return [...found.values()]
}

function filesOf(pattern: string): string[] {
  if (!isGlob(pattern) || existsSync(pattern)) return [pattern]
  return globSync(pattern).toSorted()
}

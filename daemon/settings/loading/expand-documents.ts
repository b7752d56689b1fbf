import { existsSync, globSync, readdirSync } from 'node:fs'
import { matchesGlob } from 'node:path'
import { systemCode } from '../../core/errors.ts'
import { type AsyncapiEntry, isGlob } from '../sections/asyncapi-settings.ts'
import type { Settings } from '../settings.ts'

/**
 * Expands the glob patterns to the files that exist now, in the order of the list, each file once. A file that is named without a
 * pattern stays in the list when it is missing, so that reading it reports the fault. If a folder cannot be read, its files in `known`
 * stay; if it has none there, the pattern itself stays, so that reading it reports the fault.
 */
export function expandDocuments(settings: Pick<Settings, 'asyncapi'>, known: readonly string[] = []): AsyncapiEntry[] {
  const found = new Map<string, AsyncapiEntry>()
  for (const entry of settings.asyncapi) {
    for (const file of filesOf(entry.file, known)) {
      if (!found.has(file)) found.set(file, { ...entry, file })
    }
  }
  return [...found.values()]
}

function filesOf(pattern: string, known: readonly string[]): string[] {
  if (!isGlob(pattern) || existsSync(pattern)) return [pattern]
  const fault = folderFault(pattern)
  if (fault === undefined) return globSync(pattern).toSorted()
  const before = known.filter((file) => matchesGlob(file, pattern)).toSorted()
  // A folder that does not exist yet is empty.
  return before.length > 0 || fault === 'ENOENT' ? before : [pattern]
}

/** Error code of reading the folder before the first level with wildcards; undefined if it can be read. */
function folderFault(pattern: string): string | undefined {
  const levels = pattern.split('/')
  const first = levels.findIndex((level) => /[*?[{]/.test(level.replaceAll(/\[[*?[]\]/g, '')))
  const folder = levels
    .slice(0, first)
    .join('/')
    .replaceAll(/\[([*?[])\]/g, '$1')
  try {
    readdirSync(folder === '' ? '/' : folder)
    return undefined
  } catch (error) {
    return systemCode(error) ?? 'EIO'
  }
}

import { existsSync, globSync, readdirSync } from 'node:fs'
import { matchesGlob } from 'node:path'
import { systemCode } from '../../core/errors.ts'
import { type AsyncapiEntry, isGlob } from '../sections/asyncapi-settings.ts'
import type { Settings } from '../settings.ts'

/**
 * The documents that the patterns name now, in the order of the list, each file once. A file that is named
 * without a pattern is kept even if it is missing, so that reading it says so. Of a folder that cannot be read the files are
 * those of `known`, which were there before; where there is none of them, the pattern itself stands for what cannot be read.
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
  // A folder that is not there yet is an empty one.
  return before.length > 0 || fault === 'ENOENT' ? before : [pattern]
}

/** Why the folder before the first level with wildcards cannot be read. */
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

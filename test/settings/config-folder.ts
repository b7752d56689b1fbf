import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { EdgeError } from '../../daemon/core/errors.ts'
import { upstreamSchemas } from '../../daemon/protocols/registry.ts'
import {
  type LoadedSettings,
  loadSettings,
  type LoadOptions,
  type LoadResult,
} from '../../daemon/settings/loading/load-settings.ts'

/** A folder with these files, gone when the test ends. */
export function configFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'stepflow-settings-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

export const base: LoadOptions = {
  file: undefined,
  env: {},
  cwd: '/srv',
  hostName: 'host-1',
  upstreams: upstreamSchemas,
}

export function loadText(text: string, options: Partial<LoadOptions> = {}): LoadResult {
  return loadSettings({ ...base, ...options, file: join(configFolder({ 'edge.yaml': text }), 'edge.yaml') })
}

export function accepted(result: LoadResult): LoadedSettings {
  if (!result.ok) throw new Error(`refused: ${result.errors.map((error) => error.message).join('; ')}`)
  return result
}

export function refused(result: LoadResult): EdgeError[] {
  if (result.ok) throw new Error('the settings were accepted')
  return result.errors
}

/** `2:3 field code`: the place without the folder. */
export function places(result: LoadResult): string[] {
  return refused(result).map(
    ({ place, code }) => `${place.line ?? '-'}:${place.column ?? '-'} ${place.field ?? '-'} ${code}`,
  )
}

/** What is said about the only fault. */
export function complaint(result: LoadResult): string {
  const [first, ...others] = refused(result)
  if (first === undefined || others.length > 0) throw new Error(`expected one fault, found ${others.length + 1}`)
  return first.message
}

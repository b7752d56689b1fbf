import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { EdgeError, messageOf, systemCode } from '../../core/errors.ts'
import type { ReadContext } from '../schema/schema.ts'
import type { UpstreamSchemas } from '../sections/upstream-common.ts'
import { settingsSchema } from '../settings-schema.ts'
import type { Settings } from '../settings.ts'
import { checkListeners, checkRoutes } from './cross-checks.ts'
import { envLayer } from './env-layer.ts'
import { errorAt, locate, type Located, type PlainValue, mergeLayers } from './located.ts'
import { parseYaml } from './parse-yaml.ts'
import { resolveReferences } from './resolve-references.ts'

const MAX_FILE_BYTES = 1024 * 1024

export interface LoadOptions {
  /** Undefined for the defaults alone. */
  file: string | undefined
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  hostName: string
  /** The protocols that upstreams may have. */
  upstreams: UpstreamSchemas
  /** Values of command-line flags, in the shape of the YAML. */
  overrides?: { readonly [key: string]: PlainValue }
}

export interface LoadedSettings {
  ok: true
  settings: Settings
  /** The file and those of `conf.d`, absolute, in the order of reading. */
  files: string[]
  /** Passwords and all values of ${…} references, which no log may show. None is empty. */
  secrets: string[]
}

export type LoadResult = LoadedSettings | { ok: false; errors: EdgeError[] }

/** Merges defaults < file < conf.d < environment < overrides. Reports all faults, in the order of the files. */
export function loadSettings(options: LoadOptions): LoadResult {
  const { env, cwd, hostName } = options
  const schema = settingsSchema(options.upstreams)
  const errors: EdgeError[] = []
  const files = options.file === undefined ? [] : configurationFiles(resolve(cwd, options.file), errors)
  let tree: Located = { kind: 'map', entries: new Map(), spot: { origin: { base: cwd } } }
  for (const file of files) tree = mergeLayers(tree, readFile(file, errors))
  // The content of an unreadable file is unknown, so further checks could report faults that do not exist.
  const readable = errors.length === 0
  tree = mergeLayers(tree, envLayer(schema.json, env, cwd, tree, errors))
  tree = mergeLayers(tree, locate(options.overrides ?? {}, { origin: { base: cwd } }))
  if (!readable) return { ok: false, errors: inOrder(errors, files) }

  const secrets = new Set<string>()
  tree = resolveReferences(tree, { env, secrets, errors })
  // systemd separates several directories by colons (systemd.exec(5)); the first is the daemon's own.
  const stateDirectory = env['STATE_DIRECTORY']?.split(':', 1)[0] || undefined
  const context: ReadContext = { cwd, hostName, stateDirectory, errors, secrets }
  const settings = schema.read(tree, '', context)
  checkRoutes(tree, errors)
  if (settings !== undefined) checkListeners(tree, settings, errors)
  if (settings === undefined || errors.length > 0) return { ok: false, errors: inOrder(errors, files) }
  return { ok: true, settings, files, secrets: [...secrets] }
}

function configurationFiles(file: string, errors: EdgeError[]): string[] {
  const directory = join(dirname(file), 'conf.d')
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith('.yaml') && !name.startsWith('.'))
    return [file, ...names.toSorted().map((name) => join(directory, name))]
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') errors.push(unreadable(directory, error))
    return [file]
  }
}

function readFile(file: string, errors: EdgeError[]): Located {
  const origin = { base: dirname(file), file }
  const empty: Located = { kind: 'map', entries: new Map(), spot: { origin, line: 1, column: 1 } }
  try {
    if (statSync(file).size > MAX_FILE_BYTES) throw new Error('it is larger than 1 MiB')
    const parsed = parseYaml(readFileSync(file, 'utf8'), origin)
    if (!parsed.ok) errors.push(...parsed.errors)
    else if (parsed.tree.kind === 'map') return parsed.tree
    else if (!isEmpty(parsed.tree))
      errors.push(errorAt('config-invalid', 'expected a map of settings', parsed.tree.spot, ''))
  } catch (error) {
    errors.push(unreadable(file, error))
  }
  return empty
}

/** A file that holds only comments is valid and sets nothing. */
function isEmpty(tree: Located): boolean {
  return tree.kind === 'scalar' && tree.value === null
}

function unreadable(file: string, error: unknown): EdgeError {
  const message = `cannot read ${file}: ${systemCode(error) ?? messageOf(error)}`
  return new EdgeError('config-unreadable', message, { place: { file }, cause: error })
}

function inOrder(errors: readonly EdgeError[], files: readonly string[]): EdgeError[] {
  const fileOf = ({ place }: EdgeError) => (place.file === undefined ? files.length : files.indexOf(place.file))
  const line = ({ place }: EdgeError) => place.line ?? 0
  const column = ({ place }: EdgeError) => place.column ?? 0
  return errors.toSorted((a, b) => fileOf(a) - fileOf(b) || line(a) - line(b) || column(a) - column(b))
}

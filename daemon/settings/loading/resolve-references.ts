import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type EdgeError, messageOf, systemCode } from '../../core/errors.ts'
import { errorAt, joinField, type Located, type LocatedScalar } from './located.ts'

const REFERENCE = /(\$?)\$\{([A-Za-z]+):([^}]*)\}/g
const MAX_SECRET_BYTES = 64 * 1024

export interface ReferenceSources {
  env: Readonly<Record<string, string | undefined>>
  /** Collects the values of references, to be redacted in logs. */
  secrets: Set<string>
  errors: EdgeError[]
}

/** Replaces `${env:NAME}`, `${file:/path}` and `${credential:NAME}` by their values; `$${env:NAME}` becomes the text `${env:NAME}`. */
export function resolveReferences(node: Located, sources: ReferenceSources, field = ''): Located {
  if (node.kind === 'list') {
    return { ...node, items: node.items.map((item, i) => resolveReferences(item, sources, joinField(field, i))) }
  }
  if (node.kind === 'map') {
    const entries = [...node.entries].map(([key, entry]) => {
      const value = resolveReferences(entry.value, sources, joinField(field, key))
      return [key, { ...entry, value }] as const
    })
    return { ...node, entries: new Map(entries) }
  }
  return node.kind === 'scalar' && typeof node.value === 'string' ? fill(node, node.value, sources, field) : node
}

function fill(node: LocatedScalar, text: string, sources: ReferenceSources, field: string): Located {
  let referenced = false
  let failed = false
  const value = text.replace(REFERENCE, (whole: string, escape: string, kind: string, name: string) => {
    if (escape === '$') return whole.slice(1)
    referenced = true
    const found = lookUp(kind, name, node.spot.origin.base, sources.env)
    if ('problem' in found) {
      failed = true
      sources.errors.push(errorAt(found.code, found.problem, node.spot, field, found.cause))
      return ''
    }
    if (found.value !== '') sources.secrets.add(found.value)
    return found.value
  })
  if (failed) return { kind: 'broken', spot: node.spot }
  if (referenced && value !== '') sources.secrets.add(value)
  return { ...node, value, referenced }
}

type Found = { value: string } | { code: 'config-secret' | 'config-invalid'; problem: string; cause?: unknown }

function lookUp(kind: string, name: string, base: string, env: ReferenceSources['env']): Found {
  if (kind === 'env') {
    const value = env[name]
    return value === undefined ? missing(`the environment variable ${name} is not set`) : { value }
  }
  if (kind === 'file') return name === '' ? missing('${file:…} names no file') : readSecret(resolve(base, name))
  if (kind === 'credential') {
    const directory = env['CREDENTIALS_DIRECTORY']
    if (directory === undefined) return missing(`the credential ${name} is missing: CREDENTIALS_DIRECTORY is not set`)
    // systemd allows no other names (systemd.exec(5), LoadCredential=); a slash could leave the directory.
    if (!/^[A-Za-z0-9_.-]+$/.test(name) || /^\.+$/.test(name))
      return missing(`${JSON.stringify(name)} is not a credential name`)
    return readSecret(resolve(directory, name))
  }
  return {
    code: 'config-invalid',
    problem: `unknown reference \${${kind}:…}: expected \${env:…}, \${file:…} or \${credential:…}`,
  }
}

function readSecret(path: string): Found {
  try {
    const status = statSync(path)
    if (!status.isFile()) return missing(`${path} is not a regular file`)
    if (status.size > MAX_SECRET_BYTES) return missing(`${path} is larger than 64 KiB`)
    return { value: readFileSync(path, 'utf8').replace(/\r?\n$/, '') }
  } catch (error) {
    return missing(`cannot read ${path}: ${systemCode(error) ?? messageOf(error)}`, error)
  }
}

function missing(problem: string, cause?: unknown): Found {
  return { code: 'config-secret', problem, cause }
}

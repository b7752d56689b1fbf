import type { ContractServer } from '../../contract/contract.ts'
import { pointerSegments, isRecord } from '../../contract/json-pointer.ts'
import { pointerOf, referenceIn } from '../source/resolve-reference.ts'
import { optionalText, textOf, type Extraction, type NamedEntry } from './extraction.ts'
import type { BridgeReader } from './read-bridge.ts'
import { serverProtocolOf, splitUrl } from './server-protocol.ts'

/** Extracts the servers: replaces variables by their defaults, normalises protocols, and adds missing URL schemes. */
export function extractServers(extraction: Extraction, bridges: BridgeReader): ContractServer[] {
  return extraction.entries(extraction.root['servers'], '/servers').map((entry) => {
    const { value } = entry
    const raw = textOf(extraction.isV2 ? value['url'] : value['host']) ?? ''
    const { scheme, host, path } = splitUrl(fillVariables(extraction, entry, raw))
    const given = textOf(value['protocol']) ?? scheme ?? ''
    if (raw === '' || given === '') {
      extraction.report(
        'error',
        `The server ${entry.name} needs a protocol and ${extraction.isV2 ? 'a url' : 'a host'}.`,
        entry.at,
      )
    } else if (host === '') extraction.report('warning', `The server ${entry.name} names no host.`, entry.at)
    const { protocol, secure, scheme: usedScheme } = serverProtocolOf(given, scheme)
    const pathname = fillVariables(extraction, entry, textOf(value['pathname']) ?? path)
    const separator = pathname === '' || pathname.startsWith('/') ? '' : '/'
    return {
      name: entry.name,
      protocol,
      secure,
      url: `${usedScheme}://${host}${separator}${pathname}`,
      ...(pathname === '' ? {} : { pathname }),
      ...optionalText('description', value['description']),
      security: securityNames(value['security']),
      bindings: extraction.expandObject(value['bindings']),
      bridge: bridges.read(extraction, entry, 'server'),
    }
  })
}

/** Names of security schemes. 2.x: `[{name: scopes}]`. 3.x: references to schemes, or schemes, which are named by their type. */
export function securityNames(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  const names = value.flatMap((item: unknown) => {
    const reference = referenceIn(item)
    if (reference !== undefined) return pointerSegments(pointerOf(reference) ?? '').slice(-1)
    if (!isRecord(item)) return []
    return typeof item['type'] === 'string' ? [item['type']] : Object.keys(item)
  })
  return [...new Set(names)]
}

function fillVariables(extraction: Extraction, server: NamedEntry, text: string): string {
  if (!text.includes('{')) return text
  const variables = new Map(
    extraction
      .entries(server.value['variables'], `${server.pointer}/variables`)
      .map((entry) => [entry.name, entry.value]),
  )
  return text.replace(/\{([^{}]+)\}/g, (whole, name: string) => {
    const variable = variables.get(name)
    const choices = variable?.['enum']
    const first: unknown = Array.isArray(choices) ? choices[0] : undefined
    const value = textOf(variable?.['default']) ?? textOf(first)
    if (value === undefined) extraction.report('warning', `The server variable ${name} has no default.`, server.at)
    return value ?? whole
  })
}

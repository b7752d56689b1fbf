import { lookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { BlockList, isIP } from 'node:net'

/** Private, local and reserved addresses, to which a name of the internet must not lead. */
const PRIVATE = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  PRIVATE.addSubnet(network, prefix, 'ipv6')

export type AddressLookup = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void

/** Whether the setting `http.callbacks.allow` names the target: `host`, `host:port` or `*.domain`. */
export function isAllowed(url: URL, allow: readonly string[]): boolean {
  const host = url.hostname.toLowerCase()
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return allow.some((entry) => {
    const name = entry.toLowerCase()
    if (name === host || name === `${host}:${port}`) return true
    const domain = name.startsWith('*.') ? name.slice(1) : undefined
    return (
      domain !== undefined &&
      (host.endsWith(domain) || `${host}:${port}`.endsWith(domain)) &&
      host.length > domain.length
    )
  })
}

/** An address, or localhost: the operator who allowed it could see where it leads. */
export function namesAnAddress(url: URL): boolean {
  return url.hostname === 'localhost' || isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0
}

export function isPrivate(address: string): boolean {
  return PRIVATE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** Resolves names as the system does, but never to a private address. Called for every connection, because a name's addresses may change. */
export const publicLookup: AddressLookup = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, [])
    const publicOnes = addresses.filter(({ address }) => !isPrivate(address))
    const [first] = publicOnes
    if (first === undefined) {
      const refused: NodeJS.ErrnoException = new Error(`${hostname} is inside this network`)
      refused.code = 'ECALLBACKPRIVATE'
      return callback(refused, [])
    }
    if (options.all === true) callback(null, publicOnes)
    else callback(null, first.address, first.family)
  })
}

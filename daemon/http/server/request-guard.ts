import { isIP } from 'node:net'
import { isLoopback } from '../../core/loopback.ts'

export interface GuardedRequest {
  host: string | undefined
  origin: string | undefined
  /** The gateway's address on this connection. */
  localAddress: string | undefined
}

export interface Refusal {
  status: 421 | 403
  code: 'host-unknown' | 'origin-foreign'
  detail: string
}

/** Returns undefined for a request that may go on. Used for requests and WebSocket upgrades. */
export type RequestGuard = (request: GuardedRequest) => Refusal | undefined

/**
 * Refuses requests that a foreign page makes a browser send: under a host name of its own that resolves to our address
 * (DNS rebinding, so the Host must be one of ours), or directly (so an Origin must be our own).
 */
export function createRequestGuard(names: readonly string[]): RequestGuard {
  const known = new Set(names.map((name) => hostName(name) ?? name.toLowerCase()))
  return ({ host, origin, localAddress }) => {
    const name = host === undefined ? undefined : hostName(host)
    if (name === undefined || !(isLoopback(name) || known.has(name) || isOwnAddress(name, localAddress))) {
      return {
        status: 421,
        code: 'host-unknown',
        detail: 'This gateway does not answer for that host: add it to http.hosts.',
      }
    }
    if (origin !== undefined && originHost(origin) !== host?.toLowerCase()) {
      return { status: 403, code: 'origin-foreign', detail: 'Pages of other origins may not call this gateway.' }
    }
    return undefined
  }
}

/** `Example.com:8080` → `example.com`, `[::1]:80` → `::1`; undefined for anything else. */
function hostName(host: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host)
  return (match?.[1] ?? match?.[2])?.toLowerCase()
}

/** Addresses are safe: DNS rebinding needs a name. */
function isOwnAddress(name: string, localAddress: string | undefined): boolean {
  return isIP(name) !== 0 && localAddress?.replace(/^::ffff:/, '') === name
}

function originHost(origin: string): string | undefined {
  if (!/^https?:/i.test(origin) || !URL.canParse(origin)) return undefined
  return new URL(origin).host
}

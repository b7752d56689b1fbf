import { isIPv6 } from 'node:net'
import { orList, text } from '../schema/schema-scalars.ts'
import { refine, reportInvalid, type Schema } from '../schema/schema.ts'

export interface ListenAddress {
  url: string
  /** Without the brackets of an IPv6 address. */
  host: string
  /** 0 lets the system choose. */
  port: number
}

/** `mqtt://127.0.0.1:1883`: a scheme, a host, a port, and nothing else. */
export function listenUrl(scheme: string, defaultPort: number, later: readonly string[]): Schema<ListenAddress> {
  const expected = `${scheme}://HOST:PORT`
  return refine(text({ pattern: /^[a-z]+:\/\//, expected }), (value, node, field, context) => {
    const url = URL.canParse(value) ? new URL(value) : undefined
    const given = url?.protocol.slice(0, -1)
    if (given !== undefined && later.includes(given)) {
      const known = orList(later.map((name) => `${name}://`))
      return reportInvalid(context, node, field, `${expected} (${known} is not supported in this version)`)
    }
    if (url === undefined || given !== scheme || url.hostname === '')
      return reportInvalid(context, node, field, expected)
    const rest = `${url.username}${url.password}${url.search}${url.hash}${url.pathname === '/' ? '' : url.pathname}`
    if (rest !== '') return reportInvalid(context, node, field, `${expected} and nothing else`)
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const port = url.port === '' ? defaultPort : Number(url.port)
    return { url: `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`, host, port }
  })
}

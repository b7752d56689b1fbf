import { isLoopback } from '../../core/loopback.ts'
import { list } from '../schema/schema-collections.ts'
import { object, withDefault } from '../schema/schema-object.ts'
import { boolean, integer, text } from '../schema/schema-scalars.ts'
import { timer } from '../schema/schema-units.ts'
import { reportInvalid, refine, type Schema } from '../schema/schema.ts'
import { type ListenAddress, listenUrl } from './listen-url.ts'

export interface HttpSettings extends ListenAddress {
  /** False for `http: null`; the other fields then have their defaults and no effect. */
  enabled: boolean
  insecure: boolean
  /** Host names that requests may use, besides loopback and the listener's own. */
  hosts: string[]
  maxConnections: number
  /** Open event streams; the same bound holds for WebSockets. */
  maxStreams: number
  headersTimeoutMs: number
  requestTimeoutMs: number
  callbacks: {
    /** `host`, `host:port` or `*.example.com`. */
    allow: string[]
  }
}

const LIMITS = { maxConnections: 4_096, maxStreams: 1_500, headersTimeoutMs: 10_000, requestTimeoutMs: 30_000 }
const DEFAULT: ListenAddress = { url: 'http://127.0.0.1:8080', host: '127.0.0.1', port: 8080 }

const hostName = text({ pattern: /^[A-Za-z0-9.:_[\]-]{1,253}$/, expected: 'a host name or address' })
const target = text({
  pattern: /^(?:\*\.)?[A-Za-z0-9._-]{1,253}(?::\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](?::\d{1,5})?$/,
  expected: 'HOST, HOST:PORT or *.DOMAIN',
})

const callbacks = object<HttpSettings['callbacks']>({
  allow: withDefault(
    'allow',
    list(target),
    [],
    'Hosts that subscriptions may name as callbacks: `host`, `host:port`, `*.example.com`. Addresses that are not public need an entry of their own.',
  ),
})

const enabled = refine(
  object<{ address: ListenAddress } & Omit<HttpSettings, 'enabled' | keyof ListenAddress>>({
    address: withDefault(
      'url',
      listenUrl('http', 80, ['https']),
      DEFAULT.url,
      'Address of the API and the dashboard; port 0 is any free port.',
    ),
    insecure: withDefault(
      'insecure',
      boolean(),
      false,
      'Allows HTTP without TLS beyond loopback, which anyone on the network path can read and change.',
    ),
    hosts: withDefault(
      'hosts',
      list(hostName),
      [],
      "Host names that requests may use, besides localhost, loopback addresses and the listener's own name.",
    ),
    callbacks: withDefault('callbacks', callbacks, {}, 'Where subscriptions may have messages posted to.'),
    maxConnections: withDefault(
      'maxConnections',
      integer(10, 100_000),
      LIMITS.maxConnections,
      'Connections at once, streams and WebSockets included; further ones are closed and counted.',
    ),
    maxStreams: withDefault(
      'maxStreams',
      integer(1, 100_000),
      LIMITS.maxStreams,
      'Streams of events at once, and as many WebSockets.',
    ),
    headersTimeoutMs: withDefault(
      'headersTimeout',
      timer(100),
      '10s',
      'How long the headers of a request may take until they are complete.',
    ),
    requestTimeoutMs: withDefault(
      'requestTimeout',
      timer(100),
      '30s',
      'How long a request may take until its body is complete.',
    ),
  }),
  ({ address, ...rest }, node, field, context): HttpSettings | undefined => {
    if (rest.insecure || isLoopback(address.host)) return { enabled: true, ...address, ...rest }
    const url = node.kind === 'map' ? node.entries.get('url')?.value : undefined
    return reportInvalid(
      context,
      url ?? node,
      `${field}.url`,
      'an address on loopback, or insecure: true, as there is no TLS',
    )
  },
)

/** The HTTP API and the dashboard; null switches both off. */
export const httpSchema: Schema<HttpSettings> = {
  json: { anyOf: [enabled.json, { type: 'null' }] },
  read(node, field, context) {
    if (node.kind === 'scalar' && node.value === null)
      return { enabled: false, ...DEFAULT, insecure: false, hosts: [], callbacks: { allow: [] }, ...LIMITS }
    return enabled.read(node, field, context)
  },
}

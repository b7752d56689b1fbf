import { type ListenAddress, listenUrl } from './listen-url.ts'
import { isLoopback } from './loopback.ts'
import { reportInvalid, refine, type Schema } from './schema.ts'
import { object, withDefault } from './schema-object.ts'
import { boolean } from './schema-scalars.ts'

export interface HttpSettings extends ListenAddress {
  /** False for `http: null`; the other fields then hold the defaults and mean nothing. */
  enabled: boolean
  insecure: boolean
}

const DEFAULT: ListenAddress = { url: 'http://127.0.0.1:8080', host: '127.0.0.1', port: 8080 }

const enabled = refine(
  object<{ address: ListenAddress; insecure: boolean }>({
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
      'Allows HTTP without TLS beyond loopback: everybody on the way can read and change it.',
    ),
  }),
  ({ address, insecure }, node, field, context): HttpSettings | undefined => {
    if (insecure || isLoopback(address.host)) return { enabled: true, ...address, insecure }
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
    if (node.kind === 'scalar' && node.value === null) return { enabled: false, ...DEFAULT, insecure: false }
    return enabled.read(node, field, context)
  },
}

/** A server's protocol in the terms of the gateway. */
export interface ServerProtocol {
  readonly protocol: string
  readonly secure: boolean
  /** The URL scheme: the part before `://`. */
  readonly scheme: string
}

/** By the names that authors use. */
const KNOWN: Readonly<Record<string, ServerProtocol>> = {
  mqtt: { protocol: 'mqtt', secure: false, scheme: 'mqtt' },
  mqtt3: { protocol: 'mqtt', secure: false, scheme: 'mqtt' },
  mqtt5: { protocol: 'mqtt', secure: false, scheme: 'mqtt' },
  mqtts: { protocol: 'mqtt', secure: true, scheme: 'mqtts' },
  mqtt5s: { protocol: 'mqtt', secure: true, scheme: 'mqtts' },
  'secure-mqtt': { protocol: 'mqtt', secure: true, scheme: 'mqtts' },
  'mqtt-secure': { protocol: 'mqtt', secure: true, scheme: 'mqtts' },
  kafka: { protocol: 'kafka', secure: false, scheme: 'kafka' },
  'kafka-secure': { protocol: 'kafka', secure: true, scheme: 'kafka-secure' },
  kafkas: { protocol: 'kafka', secure: true, scheme: 'kafka-secure' },
  amqp: { protocol: 'amqp', secure: false, scheme: 'amqp' },
  amqps: { protocol: 'amqp', secure: true, scheme: 'amqps' },
  ws: { protocol: 'ws', secure: false, scheme: 'ws' },
  websocket: { protocol: 'ws', secure: false, scheme: 'ws' },
  websockets: { protocol: 'ws', secure: false, scheme: 'ws' },
  wss: { protocol: 'ws', secure: true, scheme: 'wss' },
  http: { protocol: 'http', secure: false, scheme: 'http' },
  https: { protocol: 'http', secure: true, scheme: 'https' },
  sse: { protocol: 'sse', secure: false, scheme: 'http' },
}

/** Names of transports, which authors write in place of a protocol. */
const TRANSPORTS = new Map([
  ['tcp', { secure: false }],
  ['ssl', { secure: true }],
  ['tls', { secure: true }],
])

/** Unknown names are kept, in lower case. */
function serverProtocol(name: string): ServerProtocol {
  const lower = name.trim().toLowerCase()
  const known = Object.hasOwn(KNOWN, lower) ? KNOWN[lower] : undefined
  return known ?? { protocol: lower, secure: lower.includes('secure'), scheme: lower }
}

/**
 * The protocol of a server, by its `protocol` field and the scheme of its URL: `protocol: mqtt, url: mqtts://…` is secure,
 * and so is `protocol: kafka, url: ssl://…`.
 */
export function serverProtocolOf(given: string, scheme: string | undefined): ServerProtocol {
  const transport = TRANSPORTS.get(given.trim().toLowerCase())
  // A transport alone means MQTT over that transport.
  const declared = transport === undefined ? serverProtocol(given) : overTransport(serverProtocol('mqtt'), transport)
  if (scheme === undefined) return declared
  const under = TRANSPORTS.get(scheme)
  if (under !== undefined) return overTransport(declared, under)
  const written = serverProtocol(scheme)
  const secure = declared.secure || written.secure
  return { protocol: declared.protocol, secure, scheme: secure && !written.secure ? declared.scheme : written.scheme }
}

function overTransport(plain: ServerProtocol, { secure }: { secure: boolean }): ServerProtocol {
  if (plain.secure || !secure) return plain
  const known = Object.values(KNOWN).find((one) => one.protocol === plain.protocol && one.secure)
  return known ?? { ...plain, secure }
}

/** Splits a URL such as `mqtts://host:8883/path`; the scheme may be missing. */
export function splitUrl(url: string): { scheme?: string; host: string; path: string } {
  const [, scheme, rest = ''] = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):\/\/)?(.*)$/s.exec(url.trim()) ?? []
  const slash = rest.indexOf('/')
  const parts = slash === -1 ? { host: rest, path: '' } : { host: rest.slice(0, slash), path: rest.slice(slash) }
  return scheme === undefined ? parts : { scheme: scheme.toLowerCase(), ...parts }
}

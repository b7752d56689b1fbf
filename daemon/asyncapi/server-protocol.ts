/** A protocol name as documents write it, in the terms of the gateway. */
export interface ServerProtocol {
  readonly protocol: string
  readonly secure: boolean
  /** What stands before `://`. */
  readonly scheme: string
}

const KNOWN: Readonly<Record<string, ServerProtocol>> = {
  mqtt: { protocol: 'mqtt', secure: false, scheme: 'mqtt' },
  mqtt3: { protocol: 'mqtt', secure: false, scheme: 'mqtt' },
  mqtt5: { protocol: 'mqtt', secure: false, scheme: 'mqtt' },
  mqtts: { protocol: 'mqtt', secure: true, scheme: 'mqtts' },
  mqtt5s: { protocol: 'mqtt', secure: true, scheme: 'mqtts' },
  'secure-mqtt': { protocol: 'mqtt', secure: true, scheme: 'mqtts' },
  'mqtt-secure': { protocol: 'mqtt', secure: true, scheme: 'mqtts' },
  tcp: { protocol: 'mqtt', secure: false, scheme: 'mqtt' },
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

/** Unknown names stay as they are. */
export function serverProtocol(name: string): ServerProtocol {
  const lower = name.trim().toLowerCase()
  const known = Object.hasOwn(KNOWN, lower) ? KNOWN[lower] : undefined
  return known ?? { protocol: lower, secure: lower.includes('secure'), scheme: lower }
}

/** `mqtts://host:8883/path` → its parts; the scheme may be missing. */
export function splitUrl(url: string): { scheme?: string; host: string; path: string } {
  const [, scheme, rest = ''] = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):\/\/)?(.*)$/s.exec(url.trim()) ?? []
  const slash = rest.indexOf('/')
  const parts = slash === -1 ? { host: rest, path: '' } : { host: rest.slice(0, slash), path: rest.slice(slash) }
  return scheme === undefined ? parts : { scheme: scheme.toLowerCase(), ...parts }
}

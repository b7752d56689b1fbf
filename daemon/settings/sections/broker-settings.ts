import { isLoopback } from '../../core/loopback.ts'
import { errorAt, joinField } from '../loading/located.ts'
import { list, shorthand } from '../schema/schema-collections.ts'
import { type Fields, object, optional, required, withDefault } from '../schema/schema-object.ts'
import { boolean, integer } from '../schema/schema-scalars.ts'
import { orNone, size, timer } from '../schema/schema-units.ts'
import { refine, type Schema } from '../schema/schema.ts'
import { type ListenAddress, listenUrl } from './listen-url.ts'

export type ListenerSettings = ListenAddress

export interface BrokerSettings {
  listeners: ListenerSettings[]
  anonymous: boolean
  maxPacketSizeBytes: number
  maxConnections: number
  maxConnectionsPerIp: number
  connectTimeoutMs: number
  drainTimeoutMs: number
  /** The longest keep-alive that a client may ask for; null for no limit. */
  keepaliveLimitMs: number | null
  maxInflight: number
  maxRetained: number
  maxTopicLevels: number
  maxTopicBytes: number
}

type WrittenBroker = Omit<BrokerSettings, 'anonymous'> & { anonymous?: boolean }

const KIB = 1024

const mqttUrl = listenUrl('mqtt', 1883, ['mqtts', 'ws', 'wss'])
const fullListener = refine(
  object<{ address: ListenAddress }>({
    address: required('url', mqttUrl, 'Address to listen on; port 0 is any free port.'),
  }),
  ({ address }) => address,
)

const listeners = refine(list(shorthand(mqttUrl, fullListener), 1, 100), (all, node, field, context) => {
  const repeated = all.findIndex(({ url, port }, i) => port !== 0 && all.findIndex((other) => other.url === url) < i)
  if (repeated === -1) return all
  const spot = (node.kind === 'list' ? node.items[repeated] : undefined)?.spot ?? node.spot
  const message = `the address ${all[repeated]?.url} is listed twice`
  context.errors.push(errorAt('config-invalid', message, spot, joinField(field, repeated)))
  return undefined
})

const fields: Fields<WrittenBroker> = {
  listeners: withDefault(
    'listeners',
    listeners,
    ['mqtt://127.0.0.1:1883'],
    'Addresses that devices connect to: `mqtt://HOST:PORT`, or a map with `url`.',
  ),
  anonymous: optional(
    'anonymous',
    boolean(),
    'Whether devices may connect without credentials. Default: true only while every listener is on loopback.',
  ),
  maxPacketSizeBytes: withDefault(
    'maxPacketSize',
    size(KIB, 256 * KIB * KIB),
    '256KiB',
    'The largest MQTT packet; a client that sends a larger one is disconnected.',
  ),
  maxConnections: withDefault(
    'maxConnections',
    integer(1, 1_000_000),
    10_000,
    'Clients that may be connected at once.',
  ),
  maxConnectionsPerIp: withDefault(
    'maxConnectionsPerIp',
    integer(1, 1_000_000),
    1000,
    'Clients of one address at once; loopback is exempt.',
  ),
  connectTimeoutMs: withDefault(
    'connectTimeout',
    timer(100),
    '10s',
    'How long a connection may take until its CONNECT packet is complete.',
  ),
  drainTimeoutMs: withDefault(
    'drainTimeout',
    timer(0),
    '5s',
    'How long a client that does not read may block before it is disconnected.',
  ),
  keepaliveLimitMs: withDefault(
    'keepaliveLimit',
    orNone(timer(1000)),
    'none',
    'The longest keep-alive that a client may ask for.',
  ),
  maxInflight: withDefault(
    'maxInflight',
    integer(1, 65_535),
    1000,
    'QoS 2 messages of one client that may be under way to the broker at once.',
  ),
  maxRetained: withDefault('maxRetained', integer(0, 10_000_000), 10_000, 'Topics that may hold a retained message.'),
  maxTopicLevels: withDefault('maxTopicLevels', integer(1, 100), 100, 'Levels of a topic or filter.'),
  maxTopicBytes: withDefault('maxTopicBytes', integer(1, 65_535), 1024, 'Length of a topic or filter in bytes.'),
}

/** The embedded MQTT broker. */
export const brokerSchema: Schema<BrokerSettings> = refine(object<WrittenBroker>(fields), (broker) => ({
  ...broker,
  anonymous: broker.anonymous ?? broker.listeners.every(({ host }) => isLoopback(host)),
}))

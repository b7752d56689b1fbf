import { list } from '../../settings/schema/schema-collections.ts'
import { object, optional, required, withDefault } from '../../settings/schema/schema-object.ts'
import { choice, path, secret, text } from '../../settings/schema/schema-scalars.ts'
import { showDuration, showSize, size, timer } from '../../settings/schema/schema-units.ts'
import { refine, reportInvalid, type Schema } from '../../settings/schema/schema.ts'
import { type UpstreamCommon, upstreamCommonFields } from '../../settings/sections/upstream-common.ts'
import { DEFAULT_BATCH_BYTES, DEFAULT_LINGER_MS } from '../protocol.ts'

const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const
const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const

interface SaslPassword {
  mechanism: (typeof SASL_MECHANISMS)[number]
  username: string
  password: string
}

/** Absolute paths; an empty object means TLS with the CAs of the system. */
export interface TlsFiles {
  ca?: string
  cert?: string
  key?: string
  serverName?: string
}

export interface KafkaUpstream extends UpstreamCommon {
  protocol: 'kafka'
  /** HOST:PORT */
  brokers: string[]
  clientId?: string
  sasl?: SaslPassword
  tls?: TlsFiles
  compression: (typeof COMPRESSIONS)[number]
  maxBatchBytes: number
  lingerMs: number
}

const bootstrap = refine(
  text({ pattern: /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/, expected: 'HOST:PORT' }),
  (value, node, field, context) => {
    const port = /:(\d+)$/.exec(value.replace(/^\[.*\]/, ''))?.[1]
    if (port === undefined) return `${value}:9092`
    const inRange = Number(port) >= 1 && Number(port) <= 65_535
    return inRange ? value : reportInvalid(context, node, field, 'HOST:PORT with a port from 1 to 65535')
  },
)

const sasl = object<SaslPassword>({
  mechanism: required('mechanism', choice(SASL_MECHANISMS), 'How the gateway proves who it is.'),
  username: required('username', text(), 'The user.'),
  password: required(
    'password',
    secret(),
    'The password; better `${file:…}`, `${credential:…}` or `${env:…}` than here.',
  ),
})

const tls = refine(
  object<TlsFiles>({
    ca: optional('ca', path(), 'PEM file with the CAs to trust in place of those of the system.'),
    cert: optional('cert', path(), 'PEM file with the client certificate.'),
    key: optional('key', path(), 'PEM file with the key of the client certificate.'),
    serverName: optional('serverName', text(), 'Name to expect in the certificate; else the host.'),
  }),
  (value, node, field, context) => {
    if ((value.cert === undefined) === (value.key === undefined)) return value
    return reportInvalid(context, node, field, 'cert and key together')
  },
)

/** Apache Kafka; writes always wait for all in-sync replicas. */
export const kafkaUpstreamSchema: Schema<KafkaUpstream> = object<KafkaUpstream>({
  protocol: required('protocol', choice(['kafka']), 'Apache Kafka.'),
  brokers: required(
    'brokers',
    list(bootstrap, 1, 100),
    'Bootstrap servers, `HOST:PORT`; the port is 9092 if none is given.',
  ),
  clientId: optional(
    'clientId',
    text({ maxLength: 255 }),
    'What the gateway calls itself; else `stepflow-<gateway id>`.',
  ),
  sasl: optional('sasl', sasl, 'Credentials.'),
  tls: optional('tls', tls, 'TLS; `{}` trusts the CAs of the system.'),
  compression: withDefault('compression', choice(COMPRESSIONS), 'gzip', 'How batches are compressed.'),
  maxBatchBytes: withDefault(
    'maxBatchBytes',
    size(1024, 16 * 1024 * 1024),
    showSize(DEFAULT_BATCH_BYTES),
    'The most that goes out in one send.',
  ),
  lingerMs: withDefault(
    'linger',
    timer(0),
    showDuration(DEFAULT_LINGER_MS),
    'How long a send waits for more messages.',
  ),
  ...upstreamCommonFields,
})

import { LOG_LEVELS } from '../core/logger.ts'
import { list } from './schema/schema-collections.ts'
import { object, withDefault } from './schema/schema-object.ts'
import { choice, text } from './schema/schema-scalars.ts'
import { duration, timer } from './schema/schema-units.ts'
import type { JsonSchema, Schema } from './schema/schema.ts'
import { asyncapiSchema } from './sections/asyncapi-settings.ts'
import { brokerSchema } from './sections/broker-settings.ts'
import { callLogSchema } from './sections/call-log-settings.ts'
import { httpSchema } from './sections/http-settings.ts'
import { routesSchema } from './sections/route-settings.ts'
import { sensorsSchema } from './sections/sensor-settings.ts'
import { storeSchema } from './sections/store-settings.ts'
import { type UpstreamSchemas, upstreamsSchema } from './sections/upstream-common.ts'
import { type Settings, UNMATCHED } from './settings.ts'

const gateway = object<Settings['gateway']>({
  id: withDefault(
    'id',
    text({ pattern: /^[A-Za-z0-9._-]{1,64}$/, expected: '1 to 64 of A-Z a-z 0-9 . _ -' }),
    ({ hostName }) => idFromHostName(hostName),
    'Names this gateway in every message it forwards: 1 to 64 of `A-Z a-z 0-9 . _ -`. Default: the host name.',
  ),
})

const log = object<Settings['log']>({
  level: withDefault('level', choice(['trace', ...LOG_LEVELS]), 'info', 'The lowest level that is logged.'),
})

const host = text({ pattern: /^[A-Za-z0-9.:_-]{1,253}$/, expected: 'a host name or address' })

/** The whole configuration; `upstreams` are the protocols that its upstreams may have. */
export function settingsSchema(upstreams: UpstreamSchemas): Schema<Settings> {
  return object<Settings>({
    gateway: withDefault('gateway', gateway, {}, 'Identity of this gateway.'),
    checkCpuMs: withDefault(
      'checkCpu',
      duration(1_000),
      '60s',
      'Processor time that checking one document may take. Waiting for a processor is no part of it.',
    ),
    asyncapi: withDefault(
      'asyncapi',
      asyncapiSchema,
      [],
      'AsyncAPI documents to register at start: paths, glob patterns, or maps with `file`.',
    ),
    unmatched: withDefault(
      'unmatched',
      choice(UNMATCHED),
      'local',
      'Handling of messages whose topic no document describes: `local` delivers them to local subscribers, `quarantine` sets them aside, `pass` also forwards them.',
    ),
    allowUpstreamHosts: withDefault(
      'allowUpstreamHosts',
      list(host),
      [],
      'Hosts that documents registered over the API may name as upstreams.',
    ),
    broker: withDefault('broker', brokerSchema, {}, 'The embedded MQTT broker.'),
    http: withDefault('http', httpSchema, {}, 'The API and the dashboard; `http: null` switches both off.'),
    upstreams: withDefault(
      'upstreams',
      upstreamsSchema(upstreams),
      {},
      'Where messages go, by name: 1 to 64 of `A-Z a-z 0-9 . _ -`, but not `broker`.',
    ),
    routes: withDefault('routes', routesSchema, [], 'Destinations of messages whose document names none.'),
    store: withDefault('store', storeSchema, {}, 'Holds every message until its destinations have confirmed it.'),
    sensors: withDefault('sensors', sensorsSchema, [], 'Sensors of this machine.'),
    callLog: withDefault('callLog', callLogSchema, {}, 'The call log, one row for each message.'),
    shutdownTimeoutMs: withDefault('shutdownTimeout', timer(100), '15s', 'How long stopping may take.'),
    log: withDefault('log', log, {}, 'Logging.'),
  })
}

/** The content of config/schema.json, for editors and the documentation. */
export function settingsJsonSchema(upstreams: UpstreamSchemas): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of StepFlow Edge',
    ...settingsSchema(upstreams).json,
    $defs: {
      reference: {
        description: 'A value from the environment, a file or a credential.',
        type: 'string',
        pattern: '\\$\\{(env|file|credential):[^}]*\\}',
      },
    },
  }
}

function idFromHostName(hostName: string): string {
  const id = hostName.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 64)
  return id === '' ? 'gateway' : id
}

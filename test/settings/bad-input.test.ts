import { expect, test } from 'vitest'
import { compileTemplate } from '../../daemon/asyncapi/matching/template.ts'
import { formatPlace } from '../../daemon/core/errors.ts'
import { accepted, complaint, loadText, places, refused } from './config-folder.ts'

test('the message of an error stands at file, line and column', () => {
  const [error] = refused(loadText('log:\n  levle: debug\n'))
  expect(error && formatPlace(error)).toMatch(/edge\.yaml:2:3 log\.levle: unknown key "levle"; did you mean "level"\?$/)
})

test.each<[text: string, place: string, message: string]>([
  ['brokr: {}', '1:1 brokr', 'unknown key "brokr"; did you mean "broker"?'],
  [
    'broker: { max_packet_size: 1MiB }',
    '1:11 broker.max_packet_size',
    'unknown key "max_packet_size"; did you mean "maxPacketSize"?',
  ],
  ['access: {}', '1:1 access', 'unknown key "access"'],
  [
    'upstreams:\n  j: { protocol: file, directory: /j, brokers: [ k ] }',
    '2:39 upstreams.j.brokers',
    'unknown key "brokers"',
  ],
  [
    'broker: { listeners: [ { url: mqtt://127.0.0.1, tls: {} } ] }',
    '1:49 broker.listeners[0].tls',
    'unknown key "tls"',
  ],
])('%j has an unknown key', (text, place, message) => {
  const result = loadText(text)
  expect(places(result)).toEqual([`${place} config-unknown-key`])
  expect(complaint(result)).toBe(message)
})

test.each<[text: string, place: string, message: string]>([
  ['broker:', '1:8 broker', 'expected a map, found nothing'],
  ['broker: [ 1 ]', '1:9 broker', 'expected a map, found a list'],
  ['gateway: { id: 42 }', '1:16 gateway.id', 'expected 1 to 64 of A-Z a-z 0-9 . _ - in quotes, found the number 42'],
  ['gateway: { id: "a/b" }', '1:16 gateway.id', 'expected 1 to 64 of A-Z a-z 0-9 . _ -, found "a/b"'],
  ['gateway: { id: "" }', '1:16 gateway.id', 'expected 1 to 64 of A-Z a-z 0-9 . _ -, not empty, found ""'],
  ['asyncapi: a.yaml', '1:11 asyncapi', 'expected a list, found "a.yaml"'],
  [
    'asyncapi: [ { file: "*.yaml", name: x } ]',
    '1:13 asyncapi[0]',
    'expected no name where the file is a pattern, found a map',
  ],
  ['asyncapi: [ { name: x } ]', '1:13 asyncapi[0].file', 'the key "file" is missing'],
  ['unmatched: drop', '1:12 unmatched', 'expected local, quarantine or pass, found "drop"'],
  [
    'shutdownTimeout: 15',
    '1:18 shutdownTimeout',
    'expected a duration such as 250ms, 15s, 10m, 24h or 7d, found the number 15',
  ],
  [
    'shutdownTimeout: 15 s',
    '1:18 shutdownTimeout',
    'expected a duration such as 250ms, 15s, 10m, 24h or 7d, found "15 s"',
  ],
  ['shutdownTimeout: 30d', '1:18 shutdownTimeout', 'expected a duration from 100ms to 24d, found "30d"'],
  [
    'broker: { maxPacketSize: 64KB }',
    '1:26 broker.maxPacketSize',
    'expected a size such as 64KiB, 16MiB or 2GiB, found "64KB"',
  ],
  [
    'broker: { maxConnections: 1.5 }',
    '1:27 broker.maxConnections',
    'expected a whole number from 1 to 1000000, found the number 1.5',
  ],
  [
    'broker: { maxConnections: .inf }',
    '1:27 broker.maxConnections',
    'expected a whole number from 1 to 1000000, found the number Infinity',
  ],
  [
    'broker: { maxConnections: "10" }',
    '1:27 broker.maxConnections',
    'expected a whole number from 1 to 1000000, found "10"',
  ],
  ['broker: { anonymous: yes }', '1:22 broker.anonymous', 'expected true or false, found "yes"'],
  ['broker: { listeners: [] }', '1:22 broker.listeners', 'expected a list with at least one entry, found a list'],
  ['store: { maxBytes: 100MiB }', '1:20 store.maxBytes', 'expected a size from 128MiB to 1024TiB, found "100MiB"'],
  [
    'store: { maxBytes: 128MiB, history: { maxBytes: 128MiB } }',
    '1:8 store',
    'expected a history.maxBytes below maxBytes, found a map',
  ],
  [
    'store: { maxAge: never }',
    '1:18 store.maxAge',
    'expected a duration such as 250ms, 15s, 10m, 24h or 7d, found "never"',
  ],
  ['store: { directory: "a\\0b" }', '1:21 store.directory', 'expected a path without NUL, found "a\\u0000b"'],
  ['log: { level: verbose }', '1:15 log.level', 'expected trace, debug, info, warn or error, found "verbose"'],
  ['- a', '1:1 -', 'expected a map of settings'],
])('%j is refused', (text, place, message) => {
  const result = loadText(text)
  expect(places(result)).toEqual([`${place} config-invalid`])
  expect(complaint(result)).toBe(message)
})

test.each<[url: string, message: string]>([
  [
    'mqtts://0.0.0.0:8883',
    'expected mqtt://HOST:PORT (mqtts://, ws:// or wss:// is not supported in this version), found "mqtts://0.0.0.0:8883"',
  ],
  ['http://127.0.0.1:1883', 'expected mqtt://HOST:PORT, found "http://127.0.0.1:1883"'],
  ['127.0.0.1:1883', 'expected mqtt://HOST:PORT, found "127.0.0.1:1883"'],
  ['mqtt://:1883', 'expected mqtt://HOST:PORT, found "mqtt://:1883"'],
  ['mqtt://127.0.0.1:99999', 'expected mqtt://HOST:PORT, found "mqtt://127.0.0.1:99999"'],
  ['mqtt://127.0.0.1:1883/path', 'expected mqtt://HOST:PORT and nothing else, found "mqtt://127.0.0.1:1883/path"'],
  ['mqtt://user@127.0.0.1', 'expected mqtt://HOST:PORT and nothing else, found "mqtt://user@127.0.0.1"'],
])('%s is no listener', (url, message) => {
  const result = loadText(`broker:\n  listeners:\n    - '${url}'\n`)
  expect(places(result)).toEqual(['3:7 broker.listeners[0] config-invalid'])
  expect(complaint(result)).toBe(message)
})

test('a list may not hold one address twice', () => {
  const result = loadText('broker:\n  listeners:\n    - mqtt://127.0.0.1\n    - { url: mqtt://127.0.0.1:1883 }\n')
  expect(places(result)).toEqual(['4:7 broker.listeners[1] config-invalid'])
  expect(complaint(result)).toBe('the address mqtt://127.0.0.1:1883 is listed twice')
})

test('HTTP and MQTT may not share an address', () => {
  const result = loadText('http:\n  url: http://127.0.0.1:1883\n')
  expect(places(result)).toEqual(['2:8 http.url config-invalid'])
})

test.each([
  ['http://0.0.0.0:8080', 'insecure: true'],
  ['https://127.0.0.1', 'not supported in this version'],
])('HTTP does not listen on %s as it stands', (url, message) => {
  const result = loadText(`http:\n  url: ${url}\n`)
  expect(places(result)).toEqual(['2:8 http.url config-invalid'])
  expect(complaint(result)).toContain(message)
})

test.each<[upstream: string, place: string, message: string]>([
  ['broker: { protocol: file, directory: /j }', '2:3 upstreams.broker', 'the name "broker" is reserved'],
  ['a/b: { protocol: file, directory: /j }', '2:3 upstreams.a/b', 'expected 1 to 64 of A-Z a-z 0-9 . _ - as name'],
  ['k: {}', '2:6 upstreams.k.protocol', 'the key "protocol" is missing: kafka or file'],
  ['k: { protocol: amqp }', '2:18 upstreams.k.protocol', 'expected kafka or file, found "amqp"'],
  ['k: kafka', '2:6 upstreams.k', 'expected a map, found "kafka"'],
  ['k: { protocol: kafka }', '2:6 upstreams.k.brokers', 'the key "brokers" is missing'],
  [
    'k: { protocol: kafka, brokers: [ "k:0" ] }',
    '2:36 upstreams.k.brokers[0]',
    'expected HOST:PORT with a port from 1 to 65535, found "k:0"',
  ],
  [
    'k: { protocol: kafka, brokers: [ "kafka://k" ] }',
    '2:36 upstreams.k.brokers[0]',
    'expected HOST:PORT, found "kafka://k"',
  ],
  [
    'k: { protocol: kafka, brokers: [ k ], tls: { cert: a } }',
    '2:46 upstreams.k.tls',
    'expected cert and key together, found a map',
  ],
  [
    'k: { protocol: kafka, brokers: [ k ], retry: { min: 1m } }',
    '2:48 upstreams.k.retry',
    'expected a min that is not above max, found a map',
  ],
  [
    'j: { protocol: file, directory: /j, maxBytes: 64MiB }',
    '2:6 upstreams.j',
    'expected a maxBytes of at least twice rotate, found a map',
  ],
])('the upstream %s is refused', (upstream, place, message) => {
  const result = loadText(`upstreams:\n  ${upstream}\n`)
  expect(places(result)).toEqual([`${place} config-invalid`])
  expect(complaint(result)).toBe(message)
})

test.each<[to: string, message: string]>([
  ['event', 'there is no upstream "event"; did you mean "events"?'],
  ['elsewhere', 'there is no upstream "elsewhere"'],
  ['broker', '"broker" is the embedded broker, which cannot be the destination of a route'],
  ['constructor', 'there is no upstream "constructor"'],
])('a route to %s is refused', (to, message) => {
  const result = loadText(
    `upstreams: { events: { protocol: file, directory: /j } }\nroutes:\n  - { from: a, to: ${to} }\n`,
  )
  expect(places(result)).toEqual(['3:20 routes[0].to config-invalid'])
  expect(complaint(result)).toBe(message)
})

test.each(['{deviceId', 'a}', '{}', '{a/b}', '{$message.body#/x}', '$message.payload#/a {b}'])(
  'a route with the template %s is refused, as a document with it is',
  (template) => {
    const upstreams = 'upstreams: { events: { protocol: file, directory: /j } }\n'
    const result = loadText(`${upstreams}routes:\n  - { from: a, to: events, key: '${template}' }\n`)
    expect(places(result)).toEqual(['3:33 routes[0].key config-invalid'])
    expect(complaint(result)).toContain('expected a template of text')
    expect(() => compileTemplate(template)).toThrow(/The template/)
  },
)

test.each([
  'plain',
  '{deviceId}',
  'a.{b}-{c d}',
  '$message.payload#/id',
  '{$message.payload#/a~1b}.{$message.header#/x}',
])('a route may have the template %s', (template) => {
  const upstreams = 'upstreams: { events: { protocol: file, directory: /j } }\n'
  const result = loadText(
    `${upstreams}routes:\n  - { from: a, to: events, topic: '${template}', headers: { h: '${template}' } }\n`,
  )
  expect(accepted(result).settings.routes[0]).toMatchObject({ topic: template, headers: { h: template } })
  expect(() => compileTemplate(template)).not.toThrow()
})

test.each<[sensor: string, place: string, message: string]>([
  ['type: serial', 'type', 'expected simulated, found "serial"'],
  [
    'type: simulated, topic: a/#, payload: {}',
    'topic',
    'expected a topic without wildcards that does not start with $, found "a/#"',
  ],
  [
    'type: simulated, topic: $SYS/a, payload: {}',
    'topic',
    'expected a topic without wildcards that does not start with $, found "$SYS/a"',
  ],
  [
    'type: simulated, topic: a, schedule: "* * * * *", payload: {}',
    'schedule',
    'expected a cron expression of six fields, seconds first, as */30 * * * * *, found "* * * * *"',
  ],
  [
    'type: simulated, topic: a, schedule: "99 * * * * *", payload: {}',
    'schedule',
    'expected a cron expression of six fields, seconds first, as */30 * * * * *, found "99 * * * * *"',
  ],
  [
    'type: simulated, topic: a, payload: { t: { min: 2, max: 1 } }',
    'payload.t',
    'expected a min that is not above max, found a map',
  ],
  ['type: simulated, topic: a, payload: { t: { min: 2 } }', 'payload.t.max', 'the key "max" is missing'],
  [
    'type: simulated, topic: a, payload: { t: [ 1 ] }',
    'payload.t',
    'expected { min, max }, { values: […] } or one value, found a list',
  ],
  [
    'type: simulated, topic: a, payload: { t: { min: .nan, max: 1 } }',
    'payload.t.min',
    'expected a number, found the number NaN',
  ],
])('a sensor with { %s } is refused', (sensor, field, message) => {
  const result = loadText(`sensors: [ { name: a, ${sensor} } ]`)
  expect(refused(result).map(({ place }) => place.field)).toEqual([`sensors[0].${field}`])
  expect(complaint(result)).toBe(message)
})

test('a sensor has a schedule or an interval, and a name of its own', () => {
  const both = 'sensors: [ { name: a, type: simulated, topic: a, schedule: "* * * * * *", interval: 1s, payload: {} } ]'
  expect(complaint(loadText(both))).toContain('schedule or interval, not both')
  const one = '{ name: a, type: simulated, topic: a, payload: {} }'
  expect(places(loadText(`sensors:\n  - ${one}\n  - ${one}\n`))).toEqual(['3:5 sensors[1].name config-invalid'])
})

test('all faults are told at once, by line', () => {
  const result = loadText(`routes:
  - { from: a, to: nowhere }
log: { level: loud }
store: { maxBytes: 1, whenfull: x }
gateway: { id: "\${env:NONE}" }
`)
  expect(places(result)).toEqual([
    '2:20 routes[0].to config-invalid',
    '3:15 log.level config-invalid',
    '4:20 store.maxBytes config-invalid',
    '4:23 store.whenfull config-unknown-key',
    '5:16 gateway.id config-secret',
  ])
})

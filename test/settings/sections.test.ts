import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadSettings } from '../../daemon/settings/loading/load-settings.ts'
import { accepted, base, configFolder, loadText } from './config-folder.ts'

test('paths are relative to the file that names them', () => {
  const folder = configFolder({
    'edge.yaml': 'asyncapi: [ specs/*.yaml, { file: ../a.yaml, mode: strict } ]\nstore: { directory: ./data }\n',
    'conf.d/10.yaml': 'upstreams: { j: { protocol: file, directory: ./journal } }\n',
  })
  const { settings } = accepted(loadSettings({ ...base, file: join(folder, 'edge.yaml') }))
  expect(settings.asyncapi).toEqual([
    { file: join(folder, 'specs/*.yaml'), mode: 'lenient' },
    { file: join(folder, '../a.yaml'), mode: 'strict' },
  ])
  expect(settings.store.directory).toBe(join(folder, 'data'))
  expect(settings.upstreams['j']).toMatchObject({ directory: join(folder, 'conf.d/journal') })
})

test('a listener is a URL or a map, with or without port, on IPv4 or IPv6', () => {
  const text =
    'broker: { listeners: [ mqtt://0.0.0.0, { url: "mqtt://[::]:1884" }, mqtt://0.0.0.0:0, mqtt://0.0.0.0:0 ] }'
  expect(accepted(loadText(text)).settings.broker.listeners).toEqual([
    { url: 'mqtt://0.0.0.0:1883', host: '0.0.0.0', port: 1883 },
    { url: 'mqtt://[::]:1884', host: '::', port: 1884 },
    { url: 'mqtt://0.0.0.0:0', host: '0.0.0.0', port: 0 },
    { url: 'mqtt://0.0.0.0:0', host: '0.0.0.0', port: 0 },
  ])
})

test('http: null switches the API off', () => {
  expect(accepted(loadText('http: null')).settings.http.enabled).toBe(false)
})

test('HTTP beyond loopback is taken where it is called insecure', () => {
  const { http } = accepted(loadText('http: { url: "http://0.0.0.0:8080", insecure: true }')).settings
  expect(http).toMatchObject({ host: '0.0.0.0', port: 8080, insecure: true })
})

test('Kafka takes SASL, TLS of the system and TLS of its own', () => {
  const { settings } = accepted(
    loadText(
      `upstreams:
  a: { protocol: kafka, brokers: [ k:1 ], tls: {}, sasl: { mechanism: plain, username: u, password: p4ssword } }
  b: { protocol: kafka, brokers: [ k:1 ], tls: { ca: /ca, cert: /cert, key: /key, serverName: k }, compression: zstd }
`,
    ),
  )
  expect(settings.upstreams['a']).toMatchObject({
    tls: {},
    sasl: { mechanism: 'plain', username: 'u', password: 'p4ssword' },
  })
  expect(settings.upstreams['b']).toMatchObject({
    tls: { ca: '/ca', cert: '/cert', key: '/key', serverName: 'k' },
    compression: 'zstd',
  })
})

test('a simulated sensor has an interval, a second by default, or a schedule', () => {
  const { settings } = accepted(
    loadText(`sensors:
  - { name: a, type: simulated, topic: t/a, payload: {} }
  - { name: b, type: simulated, topic: t/b, interval: 250ms, seed: 7, payload: {} }
  - { name: c, type: simulated, topic: 'gateway/{gatewayId}/c', schedule: '*/30 * * * * *', payload: {} }
`),
  )
  expect(settings.sensors).toEqual([
    { name: 'a', type: 'simulated', topic: 't/a', intervalMs: 1000, payload: {} },
    { name: 'b', type: 'simulated', topic: 't/b', intervalMs: 250, seed: 7, payload: {} },
    { name: 'c', type: 'simulated', topic: 'gateway/{gatewayId}/c', schedule: '*/30 * * * * *', payload: {} },
  ])
})

test('a simulated reading has ranges, choices and constants', () => {
  const { settings } = accepted(
    loadText(`sensors:
  - name: a
    type: simulated
    topic: t
    payload: { r: { min: -1.5, max: 2 }, v: { values: [ 1, two, null ] }, c: on, n: null, b: false }
`),
  )
  expect(settings.sensors[0]?.payload).toEqual({
    r: { kind: 'range', min: -1.5, max: 2 },
    v: { kind: 'values', values: [1, 'two', null] },
    c: { kind: 'constant', value: 'on' },
    n: { kind: 'constant', value: null },
    b: { kind: 'constant', value: false },
  })
})

test('limits may be none', () => {
  const { settings } = accepted(
    loadText(`upstreams: { j: { protocol: file, directory: /j, maxBacklog: 256MiB } }
store: { maxAge: 7d }
broker: { keepaliveLimit: 10m }
`),
  )
  expect(settings.upstreams['j']?.maxBacklogBytes).toBe(256 * 1024 ** 2)
  expect(settings.store.maxAgeMs).toBe(7 * 86_400_000)
  expect(settings.broker.keepaliveLimitMs).toBe(600_000)
})

test('names like those of Object.prototype are plain names', () => {
  const { settings } = accepted(
    loadText(`upstreams: { __proto__: { protocol: file, directory: /j } }
routes: [ { from: a, to: __proto__, headers: { constructor: x } } ]
`),
  )
  expect(Object.keys(settings.upstreams)).toEqual(['__proto__'])
  expect(settings.routes[0]?.headers).toEqual({ constructor: 'x' })
})

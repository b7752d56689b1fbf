import { expect, test } from 'vitest'
import { loadSettings } from '../../daemon/settings/loading/load-settings.ts'
import { accepted, base, loadText } from './config-folder.ts'

test('without a file the defaults are a whole configuration', () => {
  const { settings, files, secrets } = accepted(loadSettings(base))
  expect(settings).toEqual({
    gateway: { id: 'host-1' },
    asyncapi: [],
    checkCpuMs: 60_000,
    unmatched: 'local',
    allowUpstreamHosts: [],
    broker: {
      listeners: [{ url: 'mqtt://127.0.0.1:1883', host: '127.0.0.1', port: 1883 }],
      anonymous: true,
      maxPacketSizeBytes: 262_144,
      maxConnections: 10_000,
      maxConnectionsPerIp: 1000,
      connectTimeoutMs: 10_000,
      drainTimeoutMs: 5000,
      keepaliveLimitMs: null,
      maxInflight: 1000,
      maxRetained: 10_000,
      maxTopicLevels: 100,
      maxTopicBytes: 1024,
    },
    http: {
      enabled: true,
      url: 'http://127.0.0.1:8080',
      host: '127.0.0.1',
      port: 8080,
      insecure: false,
      hosts: [],
      callbacks: { allow: [] },
      maxConnections: 4_096,
      maxStreams: 1_500,
      headersTimeoutMs: 10_000,
      requestTimeoutMs: 30_000,
    },
    upstreams: {},
    routes: [],
    store: {
      directory: '/srv/data',
      maxBytes: 2 * 1024 ** 3,
      maxAgeMs: null,
      whenFull: 'reject',
      durability: 'power',
      history: { maxAgeMs: 3_600_000, maxBytes: 64 * 1024 ** 2 },
    },
    sensors: [],
    callLog: { record: 'errors', sample: 0.01, maxAgeMs: 604_800_000, maxBytes: 134_217_728 },
    shutdownTimeoutMs: 15_000,
    log: { level: 'info' },
  })
  expect(files).toEqual([])
  expect(secrets).toEqual([])
})

test('a file of comments alone gives the defaults', () => {
  expect(accepted(loadText('# nothing yet\n')).settings).toEqual(accepted(loadSettings(base)).settings)
})

test('an upstream gets the defaults of its kind', () => {
  const { settings } = accepted(
    loadText(
      'upstreams:\n  k: { protocol: kafka, brokers: [ k1, "k2:9093" ] }\n  j: { protocol: file, directory: /j }\n',
    ),
  )
  const common = {
    required: true,
    maxBacklogBytes: null,
    holdForMs: 86_400_000,
    deadlineMs: 30_000,
    from: 'now',
    retry: { minMs: 250, maxMs: 30_000 },
  }
  expect(settings.upstreams).toEqual({
    k: {
      protocol: 'kafka',
      brokers: ['k1:9092', 'k2:9093'],
      compression: 'gzip',
      maxBatchBytes: 256 * 1024,
      lingerMs: 10,
      ...common,
    },
    j: { protocol: 'file', directory: '/j', rotateBytes: 64 * 1024 ** 2, maxBytes: 1024 ** 3, ...common },
  })
})

test('a host name that is no gateway id is made one', () => {
  const idFor = (hostName: string) => accepted(loadSettings({ ...base, hostName })).settings.gateway.id
  expect(idFor('Anlage Süd/1')).toBe('Anlage-S-d-1')
  expect(idFor('x'.repeat(100))).toBe('x'.repeat(64))
  expect(idFor('')).toBe('gateway')
})

test('the store stands in the first state directory of systemd', () => {
  const directoryFor = (state: string) =>
    accepted(loadSettings({ ...base, env: { STATE_DIRECTORY: state } })).settings.store.directory
  expect(directoryFor('/var/lib/edge')).toBe('/var/lib/edge')
  expect(directoryFor('/var/lib/edge:/var/lib/other')).toBe('/var/lib/edge')
  expect(directoryFor('')).toBe('/srv/data')
})

test.each([
  ['[ mqtt://127.0.0.1 ]', true],
  ['[ mqtt://localhost:1, "mqtt://[::1]:2", mqtt://127.8.8.8:3 ]', true],
  ['[ "mqtt://[::ffff:127.0.0.1]:1" ]', true],
  ['[ mqtt://127.0.0.1, mqtt://0.0.0.0:1884 ]', false],
  ['[ mqtt://127.evil.example ]', false],
])('listeners %s allow anonymous clients by default: %s', (listeners, anonymous) => {
  expect(accepted(loadText(`broker: { listeners: ${listeners} }`)).settings.broker.anonymous).toBe(anonymous)
})

test('anonymous has the value of the file, if the file has one', () => {
  const text = (value: boolean) => `broker: { listeners: [ mqtt://0.0.0.0:1883 ], anonymous: ${value} }`
  expect(accepted(loadText(text(true))).settings.broker.anonymous).toBe(true)
  expect(accepted(loadText(text(false))).settings.broker.anonymous).toBe(false)
})

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadSettings } from '../../daemon/settings/loading/load-settings.ts'
import { accepted, base, complaint, configFolder, loadText, places, refused } from './config-folder.ts'

test('conf.d merges maps and replaces lists, in the order of the names', () => {
  const folder = configFolder({
    'edge.yaml': 'broker: { maxInflight: 1, maxRetained: 1, listeners: [ mqtt://127.0.0.1:1, mqtt://127.0.0.1:2 ] }\n',
    'conf.d/20.yaml': 'broker: { maxInflight: 3 }\n',
    'conf.d/10.yaml': 'broker: { maxInflight: 2, listeners: [ mqtt://127.0.0.1:3 ] }\n',
    'conf.d/README.md': 'not: [ yaml',
    'conf.d/.hidden.yaml': 'broker: { maxInflight: 9 }\n',
  })
  const { settings, files } = accepted(loadSettings({ ...base, file: 'edge.yaml', cwd: folder }))
  expect(settings.broker).toMatchObject({ maxInflight: 3, maxRetained: 1, listeners: [{ port: 3 }] })
  expect(files).toEqual(['edge.yaml', 'conf.d/10.yaml', 'conf.d/20.yaml'].map((name) => join(folder, name)))
})

test('flags win over variables, variables over files', () => {
  const env = { STEPFLOW_LOG__LEVEL: 'warn', STEPFLOW_STORE__DURABILITY: 'process' }
  const { settings } = accepted(loadText('log: { level: debug }\n', { env, overrides: { log: { level: 'error' } } }))
  expect(settings.log.level).toBe('error')
  expect(settings.store.durability).toBe('process')
})

test('a variable reaches every depth, and its value is YAML', () => {
  const env = {
    STEPFLOW_BROKER__MAX_PACKET_SIZE: '1MiB',
    STEPFLOW_BROKER__LISTENERS: '[ mqtt://127.0.0.1:1999 ]',
    STEPFLOW_STORE__HISTORY__MAX_AGE: '2h',
    STEPFLOW_STORE__DIRECTORY: './d',
    STEPFLOW_GATEWAY__ID: '0042',
    STEPFLOW_HTTP__URL: 'http://127.0.0.1:8081',
    STEPFLOW_UPSTREAMS__PLANT_A__SASL__PASSWORD: '123456',
    STEPFLOW_UPSTREAMS__JOURNAL: '{ protocol: file, directory: ./j }',
  }
  const text = `http: null
upstreams: { plant-a: { protocol: kafka, brokers: [ k ], sasl: { mechanism: plain, username: u, password: old } } }
`
  const { settings, secrets } = accepted(loadText(text, { env }))
  expect(settings.broker).toMatchObject({ maxPacketSizeBytes: 1024 ** 2, listeners: [{ port: 1999 }] })
  expect(settings.store).toMatchObject({ directory: '/srv/d', history: { maxAgeMs: 7_200_000 } })
  expect(settings.gateway.id).toBe('0042')
  expect(settings.http).toMatchObject({ enabled: true, port: 8081 })
  expect(settings.upstreams['plant-a']).toMatchObject({ sasl: { password: '123456' } })
  expect(settings.upstreams['journal']).toMatchObject({ directory: '/srv/j' })
  expect(secrets).toEqual(['123456'])
})

test('STEPFLOW_ names without __ are not settings', () => {
  accepted(loadSettings({ ...base, env: { STEPFLOW_URL: 'x', STEPFLOW_API_KEY: '[', PATH: '[', OTHER__X: 'y' } }))
})

test('a variable that names no setting is an error that names the variable', () => {
  const env = {
    STEPFLOW_BROKER__MAX_PAKET_SIZE: '1',
    STEPFLOW_BROCKER__X: '1',
    STEPFLOW_LOG__LEVEL__X: '1',
    STEPFLOW___X: '1',
  }
  const result = loadSettings({ ...base, env })
  expect(places(result).toSorted()).toEqual([
    '-:- STEPFLOW_BROCKER__X config-unknown-key',
    '-:- STEPFLOW_BROKER__MAX_PAKET_SIZE config-unknown-key',
    '-:- STEPFLOW_LOG__LEVEL__X config-unknown-key',
    '-:- STEPFLOW___X config-unknown-key',
  ])
  const messages = refused(result)
    .map((error) => error.message)
    .join('\n')
  expect(messages).toContain('did you mean MAX_PACKET_SIZE?')
  expect(messages).toContain('did you mean BROKER?')
})

test('a wrong value in a variable names the variable', () => {
  const result = loadSettings({ ...base, env: { STEPFLOW_LOG__LEVEL: 'loud' } })
  expect(places(result)).toEqual(['-:- STEPFLOW_LOG__LEVEL config-invalid'])
  expect(complaint(result)).toBe('expected trace, debug, info, warn or error, found "loud"')
})

test('a variable that is no YAML is refused without showing its value', () => {
  const result = loadSettings({ ...base, env: { STEPFLOW_UPSTREAMS__K__SASL__PASSWORD: '*hunter2' } })
  expect(places(result)).toContain('-:- STEPFLOW_UPSTREAMS__K__SASL__PASSWORD config-syntax')
  expect(
    refused(result)
      .map((error) => error.message)
      .join(),
  ).not.toContain('hunter2')
})

test('a wrong flag names the setting', () => {
  expect(places(loadSettings({ ...base, overrides: { log: { level: 'loud' } } }))).toEqual([
    '-:- log.level config-invalid',
  ])
})

test('a file that is missing is unreadable', () => {
  const result = loadSettings({ ...base, file: '/nowhere/edge.yaml' })
  expect(refused(result)[0]?.place.file).toBe('/nowhere/edge.yaml')
  expect(places(result)).toEqual(['-:- - config-unreadable'])
  expect(complaint(result)).toContain('ENOENT')
})

test('a directory in place of the file is unreadable', () => {
  expect(places(loadSettings({ ...base, file: configFolder({}) }))).toEqual(['-:- - config-unreadable'])
})

test('faults of several files are told together, in the order of the files', () => {
  const folder = configFolder({
    'edge.yaml': 'log: { level: 1 }\nbroker: { maxInflight: x }\n',
    'conf.d/a.yaml': '\n\nunmatched: maybe\n',
  })
  const errors = refused(
    loadSettings({ ...base, file: join(folder, 'edge.yaml'), env: { STEPFLOW_STORE__WHEN_FULL: 'x' } }),
  )
  expect(
    errors.map(({ place }) => [place.file?.slice(folder.length + 1), place.line, place.column, place.field]),
  ).toEqual([
    ['edge.yaml', 1, 15, 'log.level'],
    ['edge.yaml', 2, 24, 'broker.maxInflight'],
    ['conf.d/a.yaml', 3, 12, 'unmatched'],
    [undefined, undefined, undefined, 'STEPFLOW_STORE__WHEN_FULL'],
  ])
})

test('a fault that a later layer covers is none', () => {
  accepted(loadText('log: { level: 1 }\n', { overrides: { log: { level: 'info' } } }))
})

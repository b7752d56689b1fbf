import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadSettings } from '../../daemon/settings/loading/load-settings.ts'
import { accepted, base, complaint, configFolder, loadText, places, refused } from './config-folder.ts'

const KAFKA = (password: string) =>
  `upstreams:
  k:
    protocol: kafka
    brokers: [ k ]
    sasl:
      mechanism: plain
      username: u
      password: ${password}
`

test('a value comes from the environment, and is remembered as secret', () => {
  const { settings, secrets } = accepted(loadText(KAFKA('"${env:PW}"'), { env: { PW: 'hunter2' } }))
  expect(settings.upstreams['k']).toMatchObject({ sasl: { password: 'hunter2' } })
  expect(secrets).toEqual(['hunter2'])
})

test('a value comes from a file beside the one that names it, less one newline', () => {
  const folder = configFolder({
    'edge.yaml': KAFKA('${file:secrets/pw}'),
    'secrets/pw': 'two\nlines\n\n',
  })
  const { settings } = accepted(loadSettings({ ...base, file: join(folder, 'edge.yaml') }))
  expect(settings.upstreams['k']).toMatchObject({ sasl: { password: 'two\nlines\n' } })
})

test('a value comes from a credential of systemd', () => {
  const env = { CREDENTIALS_DIRECTORY: configFolder({ 'kafka-pw': 'hunter2\n' }) }
  const { settings } = accepted(loadText(KAFKA('${credential:kafka-pw}'), { env }))
  expect(settings.upstreams['k']).toMatchObject({ sasl: { password: 'hunter2' } })
})

test('a reference may be a part of the text, and secret is the whole too', () => {
  const { settings, secrets } = accepted(
    loadText('gateway: { id: "plant-${env:A}-${env:B}" }', { env: { A: 'aa', B: 'bb' } }),
  )
  expect(settings.gateway.id).toBe('plant-aa-bb')
  expect(secrets).toEqual(['aa', 'bb', 'plant-aa-bb'])
})

test('references give numbers, booleans, choices, durations and sizes too', () => {
  const env = { N: '7', B: 'false', C: 'warn', D: '3s', S: '1MiB' }
  const { settings } = accepted(
    loadText(
      'broker: { maxInflight: "${env:N}", anonymous: "${env:B}", maxPacketSize: "${env:S}" }\n' +
        'shutdownTimeout: ${env:D}\nlog: { level: "${env:C}" }\n',
      { env },
    ),
  )
  expect(settings.broker).toMatchObject({ maxInflight: 7, anonymous: false, maxPacketSizeBytes: 1024 ** 2 })
  expect(settings).toMatchObject({ shutdownTimeoutMs: 3000, log: { level: 'warn' } })
})

test('references in the value of a reference are not resolved', () => {
  const { settings } = accepted(loadText(KAFKA('"${env:A}"'), { env: { A: '${env:B}', B: 'x' } }))
  expect(settings.upstreams['k']).toMatchObject({ sasl: { password: '${env:B}' } })
})

test('a doubled dollar stands for the text itself', () => {
  const { settings } = accepted(loadText(KAFKA('"$${env:A}"')))
  expect(settings.upstreams['k']).toMatchObject({ sasl: { password: '${env:A}' } })
})

test('a password in the file is secret as well', () => {
  expect(accepted(loadText(KAFKA('hunter2'))).secrets).toEqual(['hunter2'])
})

test.each([
  ['"${env:NONE}"', 'the environment variable NONE is not set'],
  ['"${file:/nowhere/pw}"', 'cannot read /nowhere/pw: ENOENT'],
  ['"${file:}"', '${file:…} names no file'],
  ['"${file:/dev/zero}"', '/dev/zero is not a regular file'],
  ['"${credential:pw}"', 'the credential pw is missing: CREDENTIALS_DIRECTORY is not set'],
])('%s that gives nothing is an error at its place, told once', (password, message) => {
  const result = loadText(KAFKA(password))
  expect(places(result)).toEqual(['8:17 upstreams.k.sasl.password config-secret'])
  expect(complaint(result)).toBe(message)
})

test.each(['../edge', 'a/b', '..', ''])('a credential cannot be called %j', (name) => {
  const result = loadText(KAFKA(`"\${credential:${name}}"`), { env: { CREDENTIALS_DIRECTORY: '/' } })
  expect(complaint(result)).toContain('is not a credential name')
})

test('a reference of an unknown kind is refused', () => {
  const result = loadText(KAFKA('"${evn:PW}"'))
  expect(places(result)).toEqual(['8:17 upstreams.k.sasl.password config-invalid'])
  expect(complaint(result)).toBe('unknown reference ${evn:…}: expected ${env:…}, ${file:…} or ${credential:…}')
})

test('a reference that a later layer covers is not looked up', () => {
  accepted(loadText('log: { level: "${env:NONE}" }', { overrides: { log: { level: 'info' } } }))
})

test('no message shows the value of a reference', () => {
  const result = loadText('broker: { maxInflight: "${env:PW}" }\nlog: { level: "${env:PW}" }\n', {
    env: { PW: 'hunter2' },
  })
  expect(refused(result)).toHaveLength(2)
  expect(
    refused(result)
      .map((error) => error.message)
      .join(),
  ).not.toContain('hunter2')
})

test('no message shows a password that is no text', () => {
  const result = loadText(KAFKA('12345'))
  expect(places(result)).toEqual(['8:17 upstreams.k.sasl.password config-invalid'])
  expect(complaint(result)).not.toContain('12345')
})

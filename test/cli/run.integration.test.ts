import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { DaemonProcess, type SettingsTree } from '../support/daemon-process.ts'
import { connectClient } from '../support/mqtt-client.ts'
import { readStore, storedMessages } from '../support/store-reader.ts'

let daemon: DaemonProcess

beforeEach(async () => {
  daemon = await DaemonProcess.create()
})
afterEach(() => daemon.remove())

/** Starts with these settings, which must fail. Returns the exit code and the output. */
async function refusal(
  settings: SettingsTree,
  env: Record<string, string> = {},
): Promise<{ code: number | null; text: string }> {
  daemon.configure(settings)
  daemon.env = env
  daemon.launch()
  const { code } = await daemon.exit()
  return { code, text: daemon.log() }
}

function document(text: string): SettingsTree {
  return { asyncapi: [{ file: daemon.writeFile('spec.yaml', text), mode: 'strict' }] }
}

const HEAD = 'asyncapi: 2.5.0\ninfo: { title: T, version: 1.0.0 }\n'

describe('a broken configuration stops the start with its place, a code and a hint', () => {
  test('a wrong type', async () => {
    const { code, text } = await refusal({ shutdownTimeout: true })
    expect(code).toBe(78)
    expect(text).toMatch(/edge\.yaml:\d+:\d+ .*shutdownTimeout.*\[config-invalid\]/)
  })

  test('an unknown key, with the most similar known key', async () => {
    const { code, text } = await refusal({ gatewy: { id: 'x' } })
    expect(code).toBe(78)
    expect(text).toMatch(/edge\.yaml:\d+:\d+ .*gateway.*\[config-unknown-key\]/)
  })

  test('a missing secret file', async () => {
    const kafka = {
      protocol: 'kafka',
      brokers: ['127.0.0.1:1'],
      sasl: { mechanism: 'plain', username: 'u', password: '${file:none.txt}' },
    }
    const { code, text } = await refusal({ upstreams: { kafka } })
    expect(code).toBe(78)
    expect(text).toContain('[config-secret]')
  })
})

describe('a resource that cannot be used stops the start', () => {
  test.each(['mqtt', 'http'] as const)('a port of %s that is in use', async (protocol) => {
    const server = createServer()
    const port = protocol === 'mqtt' ? daemon.mqttPort : daemon.httpPort
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    try {
      const { code, text } = await refusal({})
      expect(code).toBe(1)
      expect(text).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*EADDRINUSE.*\\[listen-failed\\]\n  [A-Z]`))
    } finally {
      server.close()
    }
  })

  test('a store folder that is a file', async () => {
    daemon.writeFile('data', 'not a folder')
    const { code, text } = await refusal({})
    expect(code).toBe(1)
    expect(text).toMatch(/\[store-unusable\]\n  [A-Z]/)
  })

  test('a second daemon on the same store, while the first continues', async () => {
    await daemon.start()
    const second = await DaemonProcess.create({ settings: { store: { directory: daemon.path('data') } } })
    try {
      second.launch()
      expect((await second.exit()).code).toBe(1)
      expect(second.log()).toMatch(/\[store-locked\]\n  [A-Z]/)
      expect((await daemon.get('/readyz')).status).toBe(200)
    } finally {
      await second.remove()
    }
  })
})

test('a refused start does not change the store', async () => {
  await daemon.start()
  const client = await connectClient(daemon.mqttPort)
  await client.publishAsync('device/1/data', '{"temperature":1,"humidity":2}', { qos: 1 })
  await client.publishAsync('device/1/data', '{}', { qos: 1 })
  await client.endAsync()
  await daemon.drained('journal')
  await daemon.stop()
  const contents = (): unknown => [
    storedMessages(daemon.folder),
    readStore(daemon.folder, 'SELECT id, store_id FROM epochs'),
    readStore(daemon.folder, 'SELECT id, code FROM quarantine'),
    readStore(daemon.folder, 'SELECT name, version FROM asyncapi_documents'),
    readStore(daemon.folder, 'SELECT destination, low FROM cursors'),
  ]
  const before = contents()
  expect((await refusal({ shutdownTimeout: true })).code).toBe(78)
  expect((await refusal(document(`${HEAD}channels: {}\n`))).code).toBe(65)
  expect(contents()).toEqual(before)
  daemon.configure({})
  await daemon.start()
  expect(readStore(daemon.folder, 'SELECT id FROM epochs')).toHaveLength(1)
})

describe('a broken document stops the first start with its place', () => {
  test.each([
    ['bad YAML', `${HEAD}channels: { a: [\n`, 'document-syntax'],
    [
      'an unknown $ref',
      `${HEAD}channels:\n  a: { publish: { message: { $ref: '#/components/messages/None' } } }\n`,
      'document-reference',
    ],
    [
      'an external $ref',
      `${HEAD}channels:\n  a: { publish: { message: { $ref: 'http://127.0.0.1:9/x.yaml' } } }\n`,
      'document-reference',
    ],
    ['no channels', `${HEAD}channels: {}\n`, 'document-no-channels'],
  ])('%s', async (_name, text, errorCode) => {
    const { code, text: said } = await refusal(document(text))
    expect(code).toBe(65)
    expect(said).toMatch(new RegExp(`spec\\.yaml:\\d+:\\d+ .*\\[${errorCode}\\]\n  [A-Z]`))
  })

  test('a recursive schema is accepted', async () => {
    const node = '{ type: object, properties: { next: { $ref: "#/components/schemas/Node" } } }'
    daemon.configure(
      document(
        `${HEAD}channels:\n  a: { publish: { message: { name: M, payload: { $ref: "#/components/schemas/Node" } } } }\ncomponents: { schemas: { Node: ${node} } }\n`,
      ),
    )
    await daemon.start()
  })
})

test.each([
  ['no JSON', 'hello', 'payload-not-json'],
  ['nothing', '', 'payload-not-json'],
  ['10,000 deep', '['.repeat(10_000) + ']'.repeat(10_000), 'payload-too-deep'],
])('a payload of %s is acknowledged and quarantined, the daemon goes on', async (_name, payload, code) => {
  await daemon.start()
  const client = await connectClient(daemon.mqttPort)
  await client.publishAsync('device/1/data', payload, { qos: 1 })
  await client.publishAsync('device/1/data', '{"temperature":1,"humidity":2}', { qos: 1 })
  await client.endAsync()
  expect(readStore<{ code: string }>(daemon.folder, 'SELECT code FROM quarantine').map((row) => row.code)).toEqual([
    code,
  ])
  expect(storedMessages(daemon.folder)).toBe(1)
})

test('a packet over maxPacketSize closes its connection only', async () => {
  await daemon.start()
  const good = await connectClient(daemon.mqttPort)
  const bad = await connectClient(daemon.mqttPort)
  const closed = new Promise<void>((resolve) => bad.on('close', () => resolve()))
  bad.on('error', () => undefined)
  bad.publish('device/1/data', 'x'.repeat(300 * 1024), { qos: 1 })
  await closed
  await good.publishAsync('device/1/data', '{"temperature":1,"humidity":2}', { qos: 1 })
  await good.endAsync()
  await bad.endAsync(true)
  expect(storedMessages(daemon.folder)).toBe(1)
})

describe('SIGHUP', () => {
  test('with a bad file changes nothing and says why', async () => {
    await daemon.start()
    const before = daemon.log().length
    writeFileSync(daemon.configFile, 'gateway: { id: [')
    daemon.signal('SIGHUP')
    await daemon.logged('not reloaded', before)
    expect((await daemon.get('/readyz')).status).toBe(200)
  })

  test('refuses, by name, a change of a setting that is read at start only', async () => {
    await daemon.start()
    daemon.configure({ gateway: { id: 'another' } })
    daemon.signal('SIGHUP')
    await daemon.logged('gateway.id')
    expect(daemon.log()).toContain('config-restart')
  })

  test('adds a new upstream for messages from now on', async () => {
    mkdirSync(daemon.path('second'))
    await daemon.start()
    daemon.configure({
      upstreams: {
        journal: { protocol: 'file', directory: './journal' },
        second: { protocol: 'file', directory: './second' },
      },
    })
    daemon.signal('SIGHUP')
    await daemon.logged('reloaded')
    const client = await connectClient(daemon.mqttPort)
    await client.publishAsync('device/1/data', '{"temperature":1,"humidity":2}', { qos: 1 })
    await client.endAsync()
    await daemon.drained('second')
    await waitUntil(
      () => 'the new upstream tells that it has delivered',
      async () => (await daemon.upstream('second'))?.delivered === 1,
    )
  })
})

test('a second signal ends the daemon at once while the first still waits for an upstream', async () => {
  const mute = createServer(() => undefined)
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const address = mute.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  daemon.configure({ upstreams: { events: { protocol: 'kafka', brokers: [`127.0.0.1:${port}`] } } })
  try {
    const dialled = once(mute, 'connection')
    await daemon.start()
    await dialled
    daemon.signal('SIGTERM')
    await sleep(500)
    expect(daemon.running).toBe(true)
    expect(await daemon.stop()).toEqual({ code: 1, signal: null })
    expect(daemon.log()).not.toContain('"msg":"stopped"')
  } finally {
    mute.close()
  }
})

test('SIGTERM ends with exit code 0, and the next start keeps the store id', async () => {
  await daemon.start()
  expect(await daemon.stop()).toEqual({ code: 0, signal: null })
  await daemon.start()
  expect(readStore(daemon.folder, 'SELECT id FROM epochs')).toHaveLength(1)
})

test('of two files with the same version of one document the first is in force, and the other is reported', async () => {
  const spec = (address: string): string =>
    `${HEAD}channels: { '${address}': { publish: { message: { payload: { type: object } } } } }\n`
  daemon.configure({ asyncapi: [daemon.writeFile('a.yaml', spec('a')), daemon.writeFile('b.yaml', spec('b'))] })
  await daemon.start()
  const { status, reasons } = (await (await daemon.get('/readyz')).json()) as { status: string; reasons: string[] }
  expect(status).toBe('degraded')
  expect(reasons.join()).toMatch(/b\.yaml did not load \(document-conflict\)/)
  const { items } = (await (await daemon.get('/channels')).json()) as { items: { channel_name: string }[] }
  expect(items.map((one) => one.channel_name)).toEqual(['a'])
})

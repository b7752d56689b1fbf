import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { DaemonProcess, type LogLine, type SettingsTree } from '../support/daemon-process.ts'
import { readJournal, type JournalLine } from '../support/journal-reader.ts'
import { connectClient } from '../support/mqtt-client.ts'
import { readStore, storedMessages } from '../support/store-reader.ts'

const VALID = '{"temperature":1,"humidity":2}'

let daemon: DaemonProcess

beforeEach(async () => {
  daemon = await DaemonProcess.create()
})
afterEach(() => daemon.remove())

/** A document with one channel whose message requires this field. */
function spec(address: string, required: string, version = '1.0.0'): string {
  return `asyncapi: 2.5.0
info: { title: Meter, version: ${version} }
channels:
  ${address}:
    publish: { message: { name: Reading, payload: { type: object, required: [ ${required} ] } } }
`
}

async function publish(topic: string, payload = VALID): Promise<void> {
  const client = await connectClient(daemon.mqttPort, { clientId: 'meter' })
  await client.publishAsync(topic, payload, { qos: 1 })
  await client.endAsync()
}

/** Sends SIGHUP and waits for its line in the log. */
async function hup(expected: 'configuration and documents reloaded' | 'not reloaded'): Promise<LogLine[]> {
  const before = daemon.log().length
  daemon.signal('SIGHUP')
  await daemon.logged(expected, before)
  const lines = daemon.log().slice(before).split('\n')
  return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as LogLine)
}

const reload = async (settings: SettingsTree): Promise<unknown> => {
  daemon.configure(settings)
  const lines = await hup('configuration and documents reloaded')
  return lines.find(({ msg }) => msg.includes('reloaded'))?.['applied']
}

async function lineOf(topic: string): Promise<JournalLine> {
  let found: JournalLine | undefined
  await waitUntil(
    () => `a line of ${topic}\n${daemon.log().slice(-2_000)}`,
    () => (found = readJournal(daemon.path('journal')).find((line) => line.topic === topic)) !== undefined,
  )
  if (found === undefined) throw new Error('unreachable')
  return found
}

function quarantined(): string[] {
  return readStore<{ topic: string }>(daemon.folder, 'SELECT topic FROM quarantine ORDER BY id').map((row) => row.topic)
}

describe('SIGHUP applies changes while devices stay connected', () => {
  test('documents', async () => {
    const file = daemon.writeFile('meter.yaml', spec('meter/{id}', 'kwh'))
    daemon.configure({ asyncapi: [file], unmatched: 'quarantine' })
    await daemon.start()
    const client = await connectClient(daemon.mqttPort)
    await client.publishAsync('meter/1', '{"kwh":1}', { qos: 1 })
    await client.publishAsync('gas/1', '{"m3":1}', { qos: 1 })
    writeFileSync(file, spec('gas/{id}', 'm3', '2.0.0'))
    await hup('configuration and documents reloaded')
    await client.publishAsync('meter/2', '{"kwh":1}', { qos: 1 })
    await client.publishAsync('gas/2', '{"m3":1}', { qos: 1 })
    expect(client.connected).toBe(true)
    await client.endAsync()
    expect(await lineOf('gas/2')).toMatchObject({ document: 'Meter@2.0.0', parameters: { id: '2' } })
    expect(await lineOf('meter/1')).toMatchObject({ document: 'Meter@1.0.0' })
    expect(quarantined()).toEqual(['gas/1', 'meter/2'])
  })

  test('routes and unmatched', async () => {
    const route = (text: string): SettingsTree => ({
      routes: [{ from: 'device/{deviceId}/data', to: 'journal', headers: { route: text } }],
    })
    daemon.configure(route('one'))
    await daemon.start()
    await publish('device/1/data')
    await publish('elsewhere/1')
    expect(await reload({ ...route('two-{deviceId}'), unmatched: 'pass' })).toEqual(['unmatched', 'routes'])
    await publish('device/2/data')
    await publish('elsewhere/2')
    expect((await lineOf('device/1/data')).headers).toMatchObject({ route: 'one' })
    expect((await lineOf('device/2/data')).headers).toMatchObject({ route: 'two-2' })
    await lineOf('elsewhere/2')
    expect(readJournal(daemon.path('journal')).map(({ topic }) => topic)).not.toContain('elsewhere/1')
  })

  test('the log level', async () => {
    const garbage = async (): Promise<void> => {
      const socket = connect(daemon.mqttPort, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.end('GET / HTTP/1.0\r\n\r\n')
      socket.resume()
      await once(socket, 'close')
    }
    const debugLines = (): LogLine[] => daemon.logLines().filter(({ level }) => level === 'debug')
    await daemon.start()
    await garbage()
    expect(await reload({ log: { level: 'debug' } })).toEqual(['log.level'])
    expect(debugLines()).toEqual([])
    await garbage()
    await waitUntil(
      () => `a debug line\n${daemon.log().slice(-2_000)}`,
      () => debugLines().length > 0,
    )
  })

  test('upstreams: a removed one gets no more messages', async () => {
    const file = (directory: string): SettingsTree => ({ protocol: 'file', directory })
    daemon.configure({ upstreams: { journal: file('./journal'), second: file('./second') } })
    await daemon.start()
    await publish('device/1/data')
    await daemon.drained('second')
    expect(await reload({ upstreams: { journal: file('./journal') } })).toEqual(['upstreams'])
    await publish('device/2/data')
    await lineOf('device/2/data')
    expect(readJournal(daemon.path('second')).map(({ topic }) => topic)).toEqual(['device/1/data'])
  })

  test('upstreams: an unknown one that a document forwards to is reported once', async () => {
    const file = daemon.writeFile(
      'meter.yaml',
      `${spec('meter/{id}', 'kwh')}x-bridge: { forward: [ { to: journal }, { to: second } ] }\n`,
    )
    const journal = { protocol: 'file', directory: './journal' }
    daemon.configure({ asyncapi: [file], upstreams: { journal } })
    await daemon.start()
    const reportedUpstreams = (): unknown[] =>
      daemon.logLines().flatMap(({ upstream, msg }) => (msg.includes('is not in upstreams') ? [upstream] : []))
    expect(reportedUpstreams()).toEqual(['second'])
    const second = { protocol: 'file', directory: './second' }
    await reload({ asyncapi: [file], upstreams: { journal, second } })
    await publish('meter/1', '{"kwh":1}')
    await daemon.drained('second')
    expect(readJournal(daemon.path('second')).map(({ topic }) => topic)).toEqual(['meter/1'])
    expect(reportedUpstreams()).toEqual(['second'])
  })

  test('limits of the broker', async () => {
    const limited = (broker: SettingsTree): SettingsTree => ({
      broker: { listeners: [`mqtt://127.0.0.1:${daemon.mqttPort}`], ...broker },
    })
    await daemon.start()
    await publish('a/b/c/d')
    expect(await reload(limited({ maxTopicLevels: 3, maxPacketSize: '1KiB' }))).toEqual([
      'broker.maxPacketSize',
      'broker.maxTopicLevels',
    ])
    await publish('a/b/c/d')
    expect(await daemon.metric('messages_rejected_total{code="topic-invalid"}')).toBe(1)
    const client = await connectClient(daemon.mqttPort)
    client.on('error', () => undefined)
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
    client.publish('a/b', 'x'.repeat(2_048), { qos: 1 })
    await closed
    await client.endAsync(true)
    expect(storedMessages(daemon.folder)).toBe(1)
  })
})

describe('SIGHUP refuses a broken configuration, names the error, and changes nothing', () => {
  /** The daemon must work as before. */
  async function goesOn(topic: string): Promise<void> {
    await publish(topic)
    expect(await lineOf(topic)).toMatchObject({ document: 'Device API@1.0.0' })
    expect((await daemon.get('/readyz')).status).toBe(200)
  }

  test('a key that is read at start only; the rest of the file is not applied either', async () => {
    await daemon.start()
    daemon.configure({ store: { directory: './other', maxBytes: '512MiB' }, upstreams: {}, log: { level: 'error' } })
    const lines = await hup('not reloaded')
    expect(lines.find(({ code }) => code === 'config-restart')?.msg).toContain('store.directory')
    await goesOn('device/1/data')
  })

  test.each<[what: string, yaml: string, place: string, code: string]>([
    ['YAML', 'gateway: { id: [\n', ':2:1 ', 'config-syntax'],
    ['an unknown key', 'log:\n  levle: info\n', ':2:3 ', 'config-unknown-key'],
    ['a wrong type', 'log:\n  level: 7\n', ':2:10 ', 'config-invalid'],
  ])('a bad configuration, with file, line and column: %s', async (_what, yaml, place, code) => {
    await daemon.start()
    writeFileSync(daemon.configFile, yaml)
    const line = (await hup('not reloaded')).find((one) => one.code === code)
    expect(line?.msg).toContain(`edge.yaml${place}`)
    expect(line).toMatchObject({ hint: expect.any(String) as string, place: { file: daemon.configFile } })
    await goesOn('device/1/data')
  })

  test('a bad document among good ones, with file, line and column', async () => {
    const file = daemon.writeFile('meter.yaml', spec('meter/{id}', 'kwh'))
    daemon.configure({ asyncapi: [file] })
    await daemon.start()
    await publish('meter/1', '{"kwh":1}')
    const added = daemon.writeFile('gas.yaml', spec('gas/{id}', 'm3').replace('Meter', 'Gas'))
    writeFileSync(file, `${spec('meter/{id}', 'other', '2.0.0')}    subscribe: { message: { $ref: './x.yaml' } }\n`)
    daemon.configure({ asyncapi: [added, file], unmatched: 'quarantine' })
    const line = (await hup('not reloaded')).find(({ code }) => code === 'document-reference')
    expect(line?.msg).toMatch(/meter\.yaml:6:\d+ .*The reference "\.\/x\.yaml" leaves the document/)
    await publish('meter/2', '{"kwh":1}')
    await publish('gas/1', '{}')
    expect(await lineOf('meter/2')).toMatchObject({ document: 'Meter@1.0.0' })
    expect(quarantined()).toEqual([])
  })
})

test('a missing folder of documents leaves the last good ones in force, also at the next start', async () => {
  daemon.writeFile('specs/meter.yaml', spec('meter/{id}', 'kwh'))
  daemon.configure({ asyncapi: ['./specs/*.yaml'], unmatched: 'quarantine' })
  await daemon.start()
  await publish('meter/1', '{"kwh":1}')
  renameSync(daemon.path('specs'), daemon.path('unmounted'))
  expect((await hup('not reloaded')).map(({ code }) => code)).toContain('document-unreadable')
  await publish('meter/2', '{"kwh":1}')
  await daemon.stop()
  await daemon.start()
  await publish('meter/3', '{"kwh":1}')
  await lineOf('meter/3')
  const { status, reasons } = (await (await daemon.get('/readyz')).json()) as { status: string; reasons: string[] }
  expect([status, reasons.join()]).toEqual(['degraded', expect.stringContaining('meter.yaml')])
  expect(quarantined()).toEqual([])
  mkdirSync(daemon.path('specs'))
  await hup('configuration and documents reloaded')
  await publish('meter/4', '{"kwh":1}')
  expect(quarantined()).toEqual(['meter/4'])
})

/** Resolves when the process has a handler for HUP (proc(5), SigCgt). */
function catchesHup(): Promise<void> {
  return waitUntil(
    () => `the program has a handler\n${daemon.log()}`,
    () => /^SigCgt:\s*[0-9a-f]*[13579bdf]$/m.test(readFileSync(`/proc/${daemon.pid}/status`, 'utf8')),
  )
}

describe('a signal during the start', () => {
  test('HUP does not end the daemon, and its settings are in force once it runs', async () => {
    const running = daemon.start()
    await catchesHup()
    // Again and again, so that some come at each moment of the start.
    const signals = setInterval(() => daemon.signal('SIGHUP'), 5)
    await running
    clearInterval(signals)
    daemon.configure({ unmatched: 'quarantine' })
    daemon.signal('SIGHUP')
    await waitUntil(
      () => `a topic that no document describes is quarantined\n${daemon.log().slice(-2_000)}`,
      async () => {
        await publish('no/document')
        return readStore(daemon.folder, 'SELECT id FROM quarantine').length > 0
      },
    )
  })

  test('TERM ends the start, with exit code 0', async () => {
    daemon.launch()
    await waitUntil(
      () => `the store is being opened\n${daemon.log()}`,
      () => existsSync(daemon.path('data/stepflow.db')),
    )
    daemon.signal('SIGTERM')
    expect(await daemon.exit()).toEqual({ code: 0, signal: null })
  })
})

/** The invariants of the architecture, each by its name, held by the daemon as it runs. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { freePort } from '../servers/ports.ts'
import { requireTool } from '../servers/require-tool.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { blockJournal, unblockJournal } from '../support/blocked-journal.ts'
import { check, type Verdict } from '../support/checker.ts'
import { DaemonProcess, DEMO_DOCUMENT, type DaemonOptions } from '../support/daemon-process.ts'
import { journalArrivals, readJournal } from '../support/journal-reader.ts'
import { connectClient } from '../support/mqtt-client.ts'
import { startFleet } from '../support/publisher.ts'
import { lastSeq, readStore, storedMessages } from '../support/store-reader.ts'
import { trace } from '../support/strace.ts'

const VALID = '{"temperature":1,"humidity":2}'
const open: DaemonProcess[] = []

afterEach(async () => {
  for (const daemon of open.splice(0)) await daemon.remove()
})

async function create(options: DaemonOptions = {}): Promise<DaemonProcess> {
  const daemon = await DaemonProcess.create(options)
  open.push(daemon)
  return daemon
}

const seqOf = (daemon: DaemonProcess): number => lastSeq(daemon.folder)

test('1. Acknowledged means stored: when PUBACK or PUBREC arrives, the commit is there, and it waited for its fsync', async () => {
  const daemon = await create()
  await daemon.start()
  const client = await connectClient(daemon.mqttPort)
  const atReceipt: number[] = []
  client.on('packetreceive', ({ cmd }) => {
    if (cmd === 'puback' || cmd === 'pubrec') atReceipt.push(seqOf(daemon))
  })
  // A slow disk: an acknowledgement that did not wait for it would be far ahead of the commit.
  const slow = await trace(daemon.pid, daemon.path('calls'), [
    '-e',
    'trace=fsync',
    '-e',
    'inject=fsync:delay_enter=30000',
  ])
  for (let n = 1; n <= 20; n++) await client.publishAsync('device/1/data', VALID, { qos: n % 2 === 0 ? 1 : 2 })
  const calls = await slow.stop()
  expect(atReceipt).toHaveLength(20)
  for (const [index, seq] of atReceipt.entries()) expect(seq).toBeGreaterThanOrEqual(index + 1)
  expect(calls.length).toBeGreaterThanOrEqual(20)
  await client.endAsync()
})

test('2. Deleted means delivered: what leaves the log is at its destination', async () => {
  const total = 500
  const store = { directory: './data', maxBytes: '512MiB', history: { maxAge: '0s', maxBytes: '0B' } }
  const daemon = await create({ settings: { store } })
  blockJournal(daemon)
  await daemon.start()
  const fleet = startFleet(2, { port: daemon.mqttPort, qos: 1 })
  await fleet.publishTo(total / 2)
  expect(storedMessages(daemon.folder)).toBe(total)
  unblockJournal(daemon)
  await waitUntil(
    () => `the log is empty, now ${storedMessages(daemon.folder)}`,
    async () => {
      // Deletion needs a commit to go along with.
      await fleet.publishTo((fleet.publishers[0]?.sent ?? 0) + 1)
      const stored = storedMessages(daemon.folder)
      const delivered = readJournal(daemon.path('journal')).length
      expect(stored + delivered).toBeGreaterThanOrEqual(fleet.acknowledged())
      return stored <= 10
    },
  )
  await daemon.drained('journal')
  expect(check(fleet.publishers, journalArrivals(daemon.path('journal')))).toMatchObject({ lost: [], duplicates: 0 })
  fleet.close()
})

describe('three kills under load, devices with QoS 2', () => {
  let verdict: Promise<Verdict> | undefined
  const outcome = (): Promise<Verdict> => (verdict ??= run())

  async function run(): Promise<Verdict> {
    const daemon = await create()
    await daemon.start()
    const fleet = startFleet(10, { port: daemon.mqttPort, qos: 2 })
    const published = fleet.publishTo(300)
    for (let kill = 1; kill <= 3; kill++) {
      await fleet.reached(750 * kill)
      await daemon.kill()
      await daemon.start()
    }
    await published
    await daemon.drained('journal')
    fleet.close()
    return check(fleet.publishers, journalArrivals(daemon.path('journal')))
  }

  test('3. Order: first arrivals of each device are in the order of its messages', async () => {
    expect(await outcome()).toMatchObject({ inversions: [] })
  })

  test('4. At least once, with a stable id: nothing is missing, a repetition has the same id, no two messages share one', async () => {
    expect(await outcome()).toMatchObject({ lost: [], leftAfterDeduplication: 0, sharedIds: [] })
  })
})

test('5. Destinations are independent: a dead one delays neither the other nor the devices', async () => {
  const dead = { protocol: 'kafka', brokers: [`127.0.0.1:${await freePort()}`] }
  const daemon = await create({
    settings: { upstreams: { dead, journal: { protocol: 'file', directory: './journal' } } },
  })
  await daemon.start()
  const fleet = startFleet(5, { port: daemon.mqttPort, qos: 1 })
  await fleet.publishTo(200)
  await daemon.drained('journal')
  expect(check(fleet.publishers, journalArrivals(daemon.path('journal')))).toMatchObject({ lost: [], duplicates: 0 })
  await waitUntil(
    () => 'the dead one is seen',
    async () =>
      (await daemon.upstream('dead'))?.state === 'disconnected' && (await daemon.upstream('dead'))?.queued === 1_000,
  )
  fleet.close()
})

test('6. One bad message stops nothing: an invalid one is quarantined, one that cannot be sent is dead-lettered', async () => {
  const routes = [{ from: 'device/{deviceId}/data', to: 'journal', key: '{$message.payload#/name}' }]
  const daemon = await create({ settings: { routes } })
  await daemon.start()
  const client = await connectClient(daemon.mqttPort)
  const names = ['a', 'b', 'not/allowed', 'c', undefined, 'd']
  for (const [index, name] of names.entries()) {
    await client.publishAsync('device/1/data', JSON.stringify({ temperature: index, humidity: 1, name }), { qos: 1 })
    if (index === 1) await client.publishAsync('device/1/data', '{"temperature":"invalid"}', { qos: 1 })
  }
  await client.endAsync()
  await daemon.drained('journal')
  expect(readJournal(daemon.path('journal')).map((line) => line.payload?.['name'])).toEqual(['a', 'b', 'c', 'd'])
  const dead = readStore<{ code: string; record: Buffer }>(
    daemon.folder,
    'SELECT code, record FROM dead_letters ORDER BY seq',
  )
  expect(dead.map((row) => row.code)).toEqual(['render-failed', 'render-failed'])
  expect(dead[0]?.record.toString()).toContain('not/allowed')
  expect(readStore(daemon.folder, 'SELECT code FROM quarantine')).toEqual([{ code: 'payload-invalid' }])
})

test('7. Everything is bounded: connections, packets, topics, payload depth and retained messages, by a setting and with a counter', async () => {
  const daemon = await create()
  const listeners = [`mqtt://127.0.0.1:${daemon.mqttPort}`]
  daemon.configure({
    broker: { listeners, maxConnections: 2, maxPacketSize: '4KiB', maxTopicLevels: 4, maxRetained: 1 },
  })
  await daemon.start()
  const first = await connectClient(daemon.mqttPort)
  const second = await connectClient(daemon.mqttPort)
  const third = connect({ host: '127.0.0.1', port: daemon.mqttPort })
  await once(third, 'close')
  expect(await daemon.metric('mqtt_connections_refused_total{reason="connection-limit"}')).toBe(1)

  await first.publishAsync('a/b/c/d/e', 'x', { qos: 1 })
  await expect(first.subscribeAsync('a/b/c/d/+')).rejects.toThrow()
  expect(await daemon.metric('messages_rejected_total{code="topic-invalid"}')).toBe(1)

  await first.publishAsync('device/1/data', `${'['.repeat(1_500)}${']'.repeat(1_500)}`, { qos: 1 })
  expect(await daemon.metric('messages_rejected_total{code="payload-too-deep"}')).toBe(1)

  await first.publishAsync('device/1/data', VALID, { qos: 1, retain: true })
  await first.publishAsync('device/2/data', VALID, { qos: 1, retain: true })
  expect(readStore(daemon.folder, 'SELECT topic FROM retained')).toEqual([{ topic: 'device/1/data' }])
  expect(await daemon.metric('mqtt_retained_refused_total')).toBe(1)

  const closed = new Promise<void>((resolve) => second.once('close', () => resolve()))
  second.publish('device/1/data', 'x'.repeat(5_000), { qos: 0 })
  await closed
  expect(await daemon.metric('mqtt_connections_closed_size_total')).toBe(1)
  expect(first.connected).toBe(true)
  await first.endAsync()
})

test('8. Devices come first: the thread that serves them waits for no disk and opens no connection to an upstream', async () => {
  const dead = { protocol: 'kafka', brokers: [`127.0.0.1:${await freePort()}`], retry: { min: '50ms', max: '50ms' } }
  const daemon = await create({
    settings: { upstreams: { dead, journal: { protocol: 'file', directory: './journal' } } },
  })
  await daemon.start()
  const watched = await trace(daemon.pid, daemon.path('calls'), ['-e', 'trace=fsync,fdatasync,connect'])
  const client = await connectClient(daemon.mqttPort)
  for (let n = 1; n <= 50; n++) await client.publishAsync('device/1/data', VALID, { qos: 1 })
  await client.endAsync()
  await daemon.drained('journal')
  await waitUntil(
    () => 'the upstream was dialled',
    () => readFileSync(daemon.path('calls'), 'utf8').includes('connect('),
  )
  const calls = await watched.stop()
  expect(calls.filter(({ thread }) => thread === daemon.pid)).toEqual([])
  expect(calls.filter(({ call }) => call === 'fsync').length).toBeGreaterThanOrEqual(50)
  expect(new Set(calls.map(({ call }) => call))).toEqual(new Set(['fsync', 'fdatasync', 'connect']))
})

test('9. A bad configuration or document changes nothing: the running one stays, the error names the place', async () => {
  const daemon = await create()
  const good = readFileSync(DEMO_DOCUMENT, 'utf8')
  const settings = { asyncapi: [daemon.writeFile('spec.yaml', good)] }
  daemon.configure(settings)
  await daemon.start()
  const client = await connectClient(daemon.mqttPort)
  const breakages = [
    { apply: () => daemon.writeFile('spec.yaml', 'asyncapi: 2.5.0\nchannels: { a: [\n'), file: 'spec.yaml' },
    { apply: () => daemon.configure({ ...settings, log: { levle: 'debug' } }), file: 'edge.yaml' },
  ]
  for (const { apply, file } of breakages) {
    daemon.writeFile('spec.yaml', good)
    apply()
    const from = daemon.log().length
    const before = daemon.logLines().length
    daemon.signal('SIGHUP')
    await daemon.logged('not reloaded, nothing has changed', from)
    const line = daemon
      .logLines()
      .slice(before)
      .find((one) => one.level === 'error')
    expect(line?.['place']).toMatchObject({
      file: daemon.path(file),
      line: expect.any(Number),
      column: expect.any(Number),
    })
    expect(line?.['hint']).toEqual(expect.any(String))
    await client.publishAsync('device/1/data', VALID, { qos: 1 })
    await client.publishAsync('device/1/data', '{}', { qos: 1 })
  }
  await client.endAsync()
  await daemon.drained('journal')
  expect(readJournal(daemon.path('journal')).map((line) => line.document)).toEqual([
    'Device API@1.0.0',
    'Device API@1.0.0',
  ])
  expect(readStore(daemon.folder, 'SELECT code FROM quarantine')).toHaveLength(2)
})

test('10. Starting needs no network, and devices are accepted at once when the documents are known', async () => {
  const loopbackOnly = ['unshare', '-n', 'sh', '-c', `${requireTool('ip')} link set lo up && exec "$0" "$@"`]
  const events = { protocol: 'kafka', brokers: ['kafka.example.invalid:9092'] }
  const daemon = await create({ settings: { upstreams: { events } }, wrapper: loopbackOnly })
  await daemon.start()
  expect((await daemon.stop()).code).toBe(0)
  const from = performance.now()
  await daemon.start()
  // Ten times what is promised; the promise itself is held by the bench.
  expect(performance.now() - from).toBeLessThan(10_000)
  const inside = ['-t', String(daemon.pid), '-n', requireTool('mosquitto_pub')]
  execFileSync(
    requireTool('nsenter'),
    [...inside, '-p', String(daemon.mqttPort), '-q', '1', '-t', 'device/1/data', '-m', VALID],
    { timeout: 20_000 },
  )
  expect(storedMessages(daemon.folder)).toBe(1)
})

import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requireTool } from '../servers/require-tool.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { readJournal, type JournalLine } from '../support/journal-reader.ts'
import { collect, connectClient } from '../support/mqtt-client.ts'
import { lastSeq, readStore } from '../support/store-reader.ts'

const VALID = '{"temperature":21.5,"humidity":40}'
const daemon = await DaemonProcess.create()

beforeAll(() => daemon.start())
afterAll(() => daemon.remove())

function mosquittoPub(...args: string[]): void {
  execFileSync(requireTool('mosquitto_pub'), ['-h', '127.0.0.1', '-p', String(daemon.mqttPort), ...args], {
    stdio: 'pipe',
    timeout: 20_000,
  })
}

async function journalLine(topic: string): Promise<JournalLine> {
  let line: JournalLine | undefined
  await waitUntil(
    () => `a journal line of ${topic}\n${daemon.log().slice(-2_000)}`,
    () => {
      line = readJournal(daemon.path('journal')).find((one) => one.topic === topic)
      return line !== undefined
    },
  )
  if (line === undefined) throw new Error('unreachable')
  return line
}

/** Everything that was published before has gone through when this has. */
async function marker(): Promise<void> {
  const topic = `device/marker-${Math.random().toString(36).slice(2)}/data`
  mosquittoPub('-q', '1', '-t', topic, '-m', VALID)
  await journalLine(topic)
}

const topics = (): string[] => readJournal(daemon.path('journal')).map((line) => line.topic)

describe('a message of mosquitto_pub', () => {
  test('becomes a line of the journal, with the payload as it was written', async () => {
    const before = Date.now()
    mosquittoPub('-q', '1', '-i', 'thermo', '-t', 'device/42/data', '-m', '{"humidity":40, "temperature":21.50}')
    const line = await journalLine('device/42/data')
    expect(line).toMatchObject({
      document: 'Device API@1.0.0',
      message: 'DeviceData',
      parameters: { deviceId: '42' },
      payload: { temperature: 21.5, humidity: 40 },
    })
    expect(line.headers).toMatchObject({
      'message-id': line.id,
      'source-topic': 'device/42/data',
      gateway: 'edge-1',
      'client-id': 'thermo',
      clock: 'synced',
      'content-type': 'application/json',
    })
    expect(line.id).toMatch(/^edge-1:[0-9a-f]{12}:\d+$/)
    expect(Date.parse(line.receivedAt)).toBeGreaterThanOrEqual(before)
    expect(Date.parse(line.receivedAt)).toBeLessThanOrEqual(Date.now())
  })

  test.each(['0', '1', '2'])('arrives once at QoS %s', async (qos) => {
    mosquittoPub('-q', qos, '-t', `device/qos${qos}/data`, '-m', VALID)
    await journalLine(`device/qos${qos}/data`)
    await marker()
    expect(topics().filter((topic) => topic === `device/qos${qos}/data`)).toHaveLength(1)
  })
})

describe('an invalid message', () => {
  test('is acknowledged, quarantined with its reasons, and neither delivered nor forwarded', async () => {
    const subscriber = await connectClient(daemon.mqttPort)
    const received = collect(subscriber)
    await subscriber.subscribeAsync('device/#')
    mosquittoPub('-q', '1', '-i', 'broken', '-t', 'device/bad/data', '-m', '{"temperature":"warm","humidity":40}')
    await marker()
    const rows = readStore<{
      topic: string
      client_id: string
      payload: Buffer
      code: string
      errors: string
      document: string
      qos: number
    }>(daemon.folder, "SELECT * FROM quarantine WHERE topic = 'device/bad/data'")
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({
      client_id: 'broken',
      code: 'payload-invalid',
      document: 'Device API@1.0.0',
      qos: 1,
    })
    expect(rows[0]?.payload.toString()).toBe('{"temperature":"warm","humidity":40}')
    expect(JSON.parse(rows[0]?.errors ?? '')).toEqual([
      expect.objectContaining({ pointer: '/temperature', keyword: 'type', expected: 'number' }),
    ])
    expect(topics()).not.toContain('device/bad/data')
    expect(received.map((one) => one.topic)).not.toContain('device/bad/data')
    await subscriber.endAsync()
  })

  test('is announced to its sender, and to nobody else', async () => {
    const sender = await connectClient(daemon.mqttPort, { clientId: 'room 1/a' })
    const other = await connectClient(daemon.mqttPort, { clientId: 'curious' })
    const told = collect(sender)
    const overheard = collect(other)
    await sender.subscribeAsync('$stepflow/clients/room%201%2Fa/#')
    for (const filter of ['$stepflow/clients/room%201%2Fa/rejected', '$stepflow/#', '$stepflow/clients/+/rejected']) {
      await expect(other.subscribeAsync(filter)).rejects.toThrow()
    }
    await other.subscribeAsync('#')
    await sender.publishAsync('device/bad2/data', '{}', { qos: 1 })
    await waitUntil(
      () => 'the notice came',
      () => told.length > 0,
    )
    const notice: unknown = JSON.parse(told[0]?.payload ?? '')
    expect(told[0]?.topic).toBe('$stepflow/clients/room%201%2Fa/rejected')
    expect(told[0]?.retain).toBe(false)
    expect(notice).toMatchObject({
      topic: 'device/bad2/data',
      code: 'payload-invalid',
      document: 'Device API@1.0.0',
      message: 'DeviceData',
      suppressed: 0,
    })
    expect(notice).toHaveProperty('errors.0.keyword', 'required')
    await marker()
    expect(overheard.every((one) => one.topic.endsWith('/data') && one.topic.startsWith('device/marker-'))).toBe(true)
    await Promise.all([sender.endAsync(), other.endAsync()])
  })
})

describe('what may not be published', () => {
  test.each(['$SYS/broker/clients', '$stepflow/clients/x/rejected', '$stepflow/nowhere'])(
    '%s is refused, and the connection stays',
    async (topic) => {
      const client = await connectClient(daemon.mqttPort, { clientId: 'meddler' })
      await client.publishAsync(topic, 'x', { qos: 1 })
      await client.publishAsync('device/after/data', VALID, { qos: 1 })
      expect(client.connected).toBe(true)
      await client.endAsync()
      await marker()
      expect(topics()).not.toContain(topic)
      expect(await daemon.metric('messages_rejected_total{code="topic-reserved"}')).toBeGreaterThan(0)
    },
  )
})

describe('local subscribers', () => {
  test('get a valid message once, after it is stored', async () => {
    const subscriber = await connectClient(daemon.mqttPort)
    await subscriber.subscribeAsync('device/+/data', { qos: 1 })
    const seqs: number[] = []
    subscriber.on('message', () => void seqs.push(lastSeq(daemon.folder)))
    const before = lastSeq(daemon.folder)
    const sender = await connectClient(daemon.mqttPort)
    for (let n = 1; n <= 20; n++) await sender.publishAsync('device/local/data', VALID, { qos: n % 2 === 0 ? 1 : 2 })
    await waitUntil(
      () => `20 messages came, now ${seqs.length}`,
      () => seqs.length >= 20,
    )
    await marker()
    expect(seqs.length - 1).toBe(20)
    for (const [index, seq] of seqs.entries()) expect(seq).toBeGreaterThanOrEqual(before + index + 1)
    await Promise.all([subscriber.endAsync(), sender.endAsync()])
  })

  test('a retained message is stored, forwarded, and kept for those who come later, also after a restart', async () => {
    const sender = await connectClient(daemon.mqttPort)
    await sender.publishAsync('device/kept/data', VALID, { qos: 1, retain: true })
    await sender.publishAsync('device/kept-bad/data', '{}', { qos: 1, retain: true })
    await sender.endAsync()
    await journalLine('device/kept/data')
    expect((await daemon.stop()).code).toBe(0)
    await daemon.start()
    const subscriber = await connectClient(daemon.mqttPort)
    const received = collect(subscriber)
    await subscriber.subscribeAsync('device/#')
    await waitUntil(
      () => 'the retained message came',
      () => received.length > 0,
    )
    expect(received).toEqual([{ topic: 'device/kept/data', payload: VALID, retain: true }])
    await subscriber.endAsync()
  })

  test('a will goes the same way: a valid one is stored and delivered, an invalid one is quarantined', async () => {
    const subscriber = await connectClient(daemon.mqttPort)
    const received = collect(subscriber)
    await subscriber.subscribeAsync('device/#')
    received.length = 0
    for (const [name, payload, qos] of [
      ['will1', VALID, 1],
      ['will2', VALID, 2],
      ['bad-will', '{"temperature":1}', 1],
    ] as const) {
      const client = await connectClient(daemon.mqttPort, {
        clientId: name,
        will: { topic: `device/${name}/data`, payload: Buffer.from(payload), qos },
      })
      client.stream.destroy()
    }
    await journalLine('device/will1/data')
    await journalLine('device/will2/data')
    await waitUntil(
      () => 'the invalid will is quarantined',
      () => readStore(daemon.folder, "SELECT id FROM quarantine WHERE topic = 'device/bad-will/data'").length === 1,
    )
    await marker()
    const wills = received.filter((one) => !one.retain && one.topic.includes('will')).map((one) => one.topic)
    expect(wills.toSorted()).toEqual(['device/will1/data', 'device/will2/data'])
    expect(
      topics()
        .filter((topic) => topic.includes('will'))
        .toSorted(),
    ).toEqual(['device/will1/data', 'device/will2/data'])
    await subscriber.endAsync()
  })
})

describe('a topic that no document describes', () => {
  test.each([
    ['local', { delivered: true, forwarded: false, quarantined: 0 }],
    ['quarantine', { delivered: false, forwarded: false, quarantined: 1 }],
    ['pass', { delivered: true, forwarded: true, quarantined: 0 }],
  ] as const)('with unmatched: %s', async (unmatched, expected) => {
    const own = await DaemonProcess.create({ settings: { unmatched } })
    await own.start()
    try {
      const client = await connectClient(own.mqttPort)
      const received = collect(client)
      await client.subscribeAsync('#')
      await client.publishAsync('elsewhere/x', 'text', { qos: 1 })
      await client.publishAsync('device/last/data', VALID, { qos: 1 })
      await waitUntil(
        () => 'the last one is in the journal',
        () => readJournal(own.path('journal')).some((line) => line.topic === 'device/last/data'),
      )
      await waitUntil(
        () => 'the last one is delivered',
        () => received.some((one) => one.topic === 'device/last/data'),
      )
      const line = readJournal(own.path('journal')).find((one) => one.topic === 'elsewhere/x')
      expect({
        delivered: received.some((one) => one.topic === 'elsewhere/x'),
        forwarded: line !== undefined,
        quarantined: readStore(own.folder, "SELECT id FROM quarantine WHERE code = 'topic-unmatched'").length,
      }).toEqual(expected)
      if (line !== undefined)
        expect(line).toMatchObject({ document: null, payloadBase64: Buffer.from('text').toString('base64') })
      await client.endAsync()
    } finally {
      await own.remove()
    }
  })
})

import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { call, openStream } from '../support/api.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { readJournal } from '../support/journal-reader.ts'
import { collect, connectClient } from '../support/mqtt-client.ts'
import { readStore, storedMessages } from '../support/store-reader.ts'

const DOCUMENT = {
  asyncapi: '3.0.0',
  info: { title: 'Plant', version: '1.0.0' },
  servers: {
    journal: { host: 'elsewhere.example', protocol: 'kafka' },
    local: { host: 'localhost:1883', protocol: 'mqtt' },
    lost: { host: 'lost.example', protocol: 'kafka', 'x-bridge': { role: 'upstream' } },
  },
  channels: {
    readings: {
      address: 'plant/{line}/readings',
      servers: [{ $ref: '#/servers/local' }],
      messages: {
        Reading: {
          contentType: 'application/cbor',
          payload: { type: 'object', required: ['v'], properties: { v: { type: 'number' } } },
        },
      },
    },
    orders: {
      address: 'plant/{line}/orders',
      servers: [{ $ref: '#/servers/local' }],
      messages: {
        Order: { payload: { type: 'object', required: ['id'] }, headers: { type: 'object', required: ['trace'] } },
      },
    },
    elsewhere: {
      address: 'plant.events',
      servers: [{ $ref: '#/servers/journal' }],
      messages: { Event: { payload: { type: 'object' } } },
    },
    lost: {
      address: 'plant.lost',
      servers: [{ $ref: '#/servers/lost' }],
      messages: { Lost: { payload: { type: 'object' } } },
    },
    nowhere: { address: null, messages: { Any: { payload: {} } } },
  },
  operations: {
    onReading: { action: 'receive', channel: { $ref: '#/channels/readings' } },
    sendOrder: { action: 'send', channel: { $ref: '#/channels/orders' }, bindings: { mqtt: { qos: 0, retain: true } } },
  },
}

const daemon = await DaemonProcess.create({ settings: { asyncapi: [], callLog: { record: 'none' } } })
const channels = new Map<string, string>()

beforeAll(async () => {
  await daemon.start()
  const { status, body } = await call<{ channels: { id: string; channel_name: string }[] }>(
    daemon,
    'POST',
    '/asyncapis/register',
    {
      content: DOCUMENT,
    },
  )
  expect(status, JSON.stringify(body)).toBe(201)
  for (const { id, channel_name: name } of body.channels) channels.set(name, id)
})
afterAll(() => daemon.remove())

function publish(address: string, more: object, headers: Record<string, string> = {}) {
  return call<{ id: string; topic: string; code: string; field: string }>(
    daemon,
    'POST',
    '/messages/publish',
    { channel_id: channels.get(address), ...more },
    headers,
  )
}

describe('publishing over the API', () => {
  test('to a channel whose servers are no upstreams of this gateway is refused: it would reach nobody', async () => {
    const answer = await publish('plant.lost', { payload: {} })
    expect(answer).toMatchObject({ status: 422, body: { code: 'upstream-missing' } })
    expect(JSON.stringify(answer.body)).toContain('lost among the upstreams')
    const ask = { channel_id: channels.get('plant.lost'), payload: {} }
    const checked = await call(daemon, 'POST', '/messages/validate', ask)
    expect(checked).toMatchObject({ status: 200, body: { valid: false, code: 'upstream-missing', destinations: [] } })
    const invalid = await call(daemon, 'POST', '/messages/validate', { ...ask, payload: 7 })
    expect(invalid).toMatchObject({ status: 200, body: { valid: false, code: 'payload-invalid' } })
  })

  test('encodes the payload by the content type of the message', async () => {
    const client = await connectClient(daemon.mqttPort)
    const payloads: Buffer[] = []
    client.on('message', (_topic, payload) => payloads.push(payload))
    await client.subscribeAsync('plant/+/readings')
    expect(await publish('plant/{line}/readings', { payload: { v: 1.5 }, parameters: { line: 'a' } })).toMatchObject({
      status: 202,
      body: { topic: 'plant/a/readings' },
    })
    await waitUntil(
      () => 'it is delivered',
      () => payloads.length === 1,
    )
    // {"v": 1.5}, a map of one pair with a half, single or double precision number.
    expect(payloads[0]?.subarray(0, 3)).toEqual(Buffer.from([0xa1, 0x61, 0x76]))
    await client.endAsync()
  })

  test('what we send goes to devices with the binding’s retain, and not upstream', async () => {
    const headers = { trace: 't-1' }
    expect(await publish('plant/{line}/orders', { payload: { id: 7, line: 'b' }, headers })).toMatchObject({
      status: 202,
    })
    const client = await connectClient(daemon.mqttPort)
    const received = collect(client)
    await client.subscribeAsync('plant/b/orders')
    await waitUntil(
      () => 'it was retained',
      () => received.length === 1,
    )
    expect(received[0]).toMatchObject({ payload: '{"id":7,"line":"b"}', retain: true })
    await publish('plant/{line}/readings', { payload: { v: 2 }, parameters: { line: 'marker' } })
    await waitUntil(
      () => 'the journal has the marker',
      () => readJournal(daemon.path('journal')).some((line) => line.topic === 'plant/marker/readings'),
    )
    expect(readJournal(daemon.path('journal')).some((line) => line.topic === 'plant/b/orders')).toBe(false)
    await client.endAsync()
  })

  test('a channel of another server goes to that upstream alone, and no device’s message belongs to it', async () => {
    expect(await publish('plant.events', { payload: { happened: true } })).toMatchObject({ status: 202 })
    await waitUntil(
      () => 'the journal has it',
      () => readJournal(daemon.path('journal')).some((line) => line.topic === 'plant.events'),
    )
    const validated = await call(daemon, 'POST', '/messages/validate', { topic: 'plant.events', payload: {} })
    expect(validated.body).toMatchObject({ document: null, channel: null })
  })

  test.each([
    [
      'headers that do not fit',
      'plant/{line}/orders',
      { payload: { id: 1 }, parameters: { line: 'a' }, headers: {} },
      422,
      'payload-invalid',
    ],
    ['a parameter that is missing', 'plant/{line}/readings', { payload: { v: 1 } }, 422, 'parameter-missing'],
    [
      'a parameter with a slash',
      'plant/{line}/readings',
      { payload: { v: 1 }, parameters: { line: 'a/b' } },
      422,
      'parameter-invalid',
    ],
    ['a channel without an address', 'nowhere', { payload: {} }, 422, 'channel-unaddressed'],
    [
      'a message that the channel has not',
      'plant/{line}/readings',
      { payload: { v: 1 }, parameters: { line: 'a' }, message: 'None' },
      422,
      'payload-invalid',
    ],
    [
      'a payload that is too large',
      'plant/{line}/orders',
      { payload: { id: 'x'.repeat(300_000) }, parameters: { line: 'a' } },
      413,
      'message-too-large',
    ],
    ['two payloads', 'plant/{line}/orders', { payload: 1, message_data: 2 }, 400, 'request-invalid'],
    ['a channel that is not there', 'none', { channel_id: 'none', payload: 1 }, 404, 'not-found'],
  ])('refuses %s and stores nothing', async (_what, address, more, status, code) => {
    const before = storedMessages(daemon.folder)
    const answer = await publish(address, more)
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(storedMessages(daemon.folder)).toBe(before)
  })

  test('message_data is another name of payload', async () => {
    const answer = await publish('plant/{line}/readings', { message_data: { v: 3 }, parameters: { line: 'c' } })
    expect(answer.status).toBe(202)
  })
})

describe('an Idempotency-Key', () => {
  const body = { payload: { v: 1 }, parameters: { line: 'once' } }
  // After a crash a message may be sent again, under the same id.
  const published = (): number => {
    const lines = readJournal(daemon.path('journal')).filter((line) => line.topic === 'plant/once/readings')
    return new Set(lines.map((line) => line.id)).size
  }

  test('publishes once, whatever happens between the attempts', async () => {
    const key = { 'idempotency-key': 'key-1' }
    const answers = await Promise.all([1, 2, 3].map(() => publish('plant/{line}/readings', body, key)))
    const ids = new Set(answers.map((answer) => answer.body.id))
    expect(ids.size).toBe(1)
    await daemon.kill()
    await daemon.start()
    const again = await publish('plant/{line}/readings', body, key)
    expect(again).toMatchObject({ status: 202, body: { id: [...ids][0] } })
    const marker = { payload: { v: 1 }, parameters: { line: 'marker-2' } }
    await publish('plant/{line}/readings', marker)
    await waitUntil(
      () => 'the journal has the marker',
      () => readJournal(daemon.path('journal')).some((line) => line.topic === 'plant/marker-2/readings'),
    )
    expect(published()).toBe(1)
    expect(readStore(daemon.folder, 'SELECT key FROM idempotency')).toEqual([{ key: 'key-1' }])
  })

  test('for another request is a conflict', async () => {
    const other = { payload: { v: 2 }, parameters: { line: 'once' } }
    const answer = await publish('plant/{line}/readings', other, { 'idempotency-key': 'key-1' })
    expect([answer.status, answer.body.code]).toEqual([422, 'idempotency-conflict'])
  })
})

test('MQTT over WebSocket is the same broker on the port of the API', async () => {
  const stream = await openStream(daemon, '/messages/stream?kind=connection')
  const client = await mqtt.connectAsync(`ws://127.0.0.1:${daemon.httpPort}/mqtt`, {
    clientId: 'browser',
    reconnectPeriod: 0,
  })
  const tcp = await connectClient(daemon.mqttPort)
  const received = collect(tcp)
  await tcp.subscribeAsync('free/#', { qos: 1 })
  await client.publishAsync('free/topic', 'from a browser', { qos: 1 })
  await waitUntil(
    () => 'it is delivered',
    () => received.length === 1,
  )
  const status = await call<{ devices: { name: string; transport: string }[] }>(daemon, 'GET', '/connections/status')
  expect(status.body.devices).toContainEqual(expect.objectContaining({ name: 'browser', transport: 'websocket' }))
  await client.endAsync()
  await tcp.endAsync()
  const states = (): unknown[] =>
    stream.events.filter((one) => one.data['name'] === 'browser').map((one) => one.data['state'])
  await waitUntil(
    () => JSON.stringify(states()),
    () => states().length === 2,
  )
  expect(states()).toEqual(['connected', 'disconnected'])
  stream.close()
})

test('a rejected message is streamed with its reasons', async () => {
  const stream = await openStream(daemon, '/messages/stream?kind=rejected')
  const client = await connectClient(daemon.mqttPort, { clientId: 'sloppy' })
  await client.publishAsync('plant/a/readings', 'no cbor at all', { qos: 1 })
  await waitUntil(
    () => 'it is streamed',
    () => stream.events.length === 1,
  )
  expect(stream.events[0]).toMatchObject({
    event: 'rejected',
    data: { topic: 'plant/a/readings', clientId: 'sloppy', channelIds: [channels.get('plant/{line}/readings')] },
  })
  await client.endAsync()
  stream.close()
})

test('the level of the log is changed while it runs', async () => {
  expect((await call(daemon, 'PUT', '/log/level', { level: 'debug' })).body).toEqual({ level: 'debug' })
  expect((await call(daemon, 'GET', '/log/level')).body).toEqual({ level: 'debug' })
  expect((await call(daemon, 'PUT', '/log/level', { level: 'loud' })).status).toBe(400)
  await daemon.logged('"action":"log level"')
})

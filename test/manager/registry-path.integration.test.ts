import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { text as readAll } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { freePorts } from '../servers/ports.ts'
import { requireTool } from '../servers/require-tool.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { call, openStream, type StreamEvent } from '../support/api.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { collect, connectClient } from '../support/mqtt-client.ts'
import { readStore } from '../support/store-reader.ts'

/** The plan's own example, as it stands. */
const EXAMPLE = `asyncapi: '2.5.0'
info:
  title: IoT Device API
  version: '1.0.0'
servers:
  production:
    url: mqtt://broker.example.com
    protocol: mqtt
channels:
  device/{deviceId}/data:
    parameters:
      deviceId:
        schema:
          type: string
    publish:
      message:
        $ref: '#/components/messages/DeviceData'
components:
  messages:
    DeviceData:
      payload:
        type: object
        properties:
          temperature:
            type: number
          humidity:
            type: number
`

interface Channel {
  id: string
  channel_name: string
  asyncapi_document_id: string
  messages: { id: string; message_name: string }[]
}

const [callbackPort = 0] = await freePorts(1)
const daemon = await DaemonProcess.create()
daemon.configure({
  asyncapi: [],
  callLog: { record: 'all' },
  http: { url: `http://127.0.0.1:${daemon.httpPort}`, callbacks: { allow: [`127.0.0.1:${callbackPort}`] } },
})

interface Delivery {
  headers: IncomingHttpHeaders
  body: string
}

const deliveries: Delivery[] = []
const receiver = createServer((request, response) => {
  readAll(request).then(
    (body) => {
      deliveries.push({ headers: request.headers, body })
      response.end()
    },
    () => response.destroy(),
  )
})

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(callbackPort, '127.0.0.1', resolve))
  await daemon.start()
})
afterAll(async () => {
  receiver.close()
  await daemon.remove()
})

function curl(...args: string[]): { status: number; body: Record<string, unknown> } {
  const output = execFileSync(requireTool('curl'), ['-sS', '-w', '\n%{http_code}', ...args], { encoding: 'utf8' })
  const at = output.lastIndexOf('\n')
  return { status: Number(output.slice(at + 1)), body: JSON.parse(output.slice(0, at)) as Record<string, unknown> }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  await waitUntil(() => `${what}\n${daemon.log().slice(-2_000)}`, holds)
}

describe('the example document of the plan', () => {
  let channel: Channel

  test('is registered as it stands by curl, and listed', async () => {
    const file = daemon.writeFile('register.json', JSON.stringify({ name: 'iot', content: EXAMPLE }))
    const url = `http://127.0.0.1:${daemon.httpPort}/asyncapis/register`
    const { status, body } = curl('-X', 'POST', '-H', 'content-type: application/json', '--data', `@${file}`, url)
    expect(body).toMatchObject({
      name: 'iot',
      version: '1.0.0',
      channels: [{ channel_name: 'device/{deviceId}/data' }],
    })
    expect(status).toBe(201)
    const listed = await call<{ items: Channel[] }>(
      daemon,
      'GET',
      `/channels?asyncapi_document_id=${String(body['id'])}`,
    )
    expect(listed.body.items).toHaveLength(1)
    const [only] = listed.body.items
    if (only === undefined) throw new Error('no channel')
    channel = only
    const documents = await call<{ items: object[] }>(daemon, 'GET', '/asyncapis')
    expect(documents.body.items).toMatchObject([{ id: body['id'], name: 'iot', version: '1.0.0', status: 'active' }])
    const schema = await call(daemon, 'GET', `/messages/${channel.messages[0]?.id ?? ''}/schema`)
    expect(schema.body).toMatchObject({
      message_name: 'DeviceData',
      payload_schema: { properties: { temperature: { type: 'number' } } },
    })
  })

  test('what is published by HTTP and by mosquitto_pub arrives by SSE, WebSocket, callback and MQTT', async () => {
    const stream = await openStream(daemon, `/messages/stream?channel_id=${channel.id}`)
    const socket = new WebSocket(`ws://127.0.0.1:${daemon.httpPort}/ws/${channel.id}`)
    const frames: Record<string, unknown>[] = []
    socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString()) as Record<string, unknown>))
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve())
      socket.once('error', reject)
    })
    const subscription = await call<{ subscription_id: string; secret: string }>(
      daemon,
      'POST',
      '/messages/subscribe',
      {
        channel_id: channel.id,
        callback_url: `http://127.0.0.1:${callbackPort}/hook`,
      },
    )
    expect(subscription.status).toBe(201)
    const client = await connectClient(daemon.mqttPort)
    const received = collect(client)
    await client.subscribeAsync('device/+/data', { qos: 1 })

    const published = await call<{ id: string; topic: string }>(daemon, 'POST', '/messages/publish', {
      channel_id: channel.id,
      payload: { deviceId: '7', temperature: 21.5, humidity: 40 },
    })
    expect(published).toMatchObject({ status: 202, body: { topic: 'device/7/data' } })
    execFileSync(requireTool('mosquitto_pub'), [
      '-h',
      '127.0.0.1',
      '-p',
      String(daemon.mqttPort),
      '-q',
      '1',
      '-i',
      'thermo',
      '-t',
      'device/8/data',
      '-m',
      '{"temperature":1}',
    ])
    socket.send(
      JSON.stringify({ type: 'publish', ref: 'a', payload: { temperature: 2 }, parameters: { deviceId: '9' } }),
    )

    const topics = ['device/7/data', 'device/8/data', 'device/9/data']
    const messages = (): StreamEvent[] => stream.events.filter((one) => one.event === 'message')
    await until('SSE has all', () => messages().length === 3)
    expect(messages().map((one) => one.data['topic'])).toEqual(topics)
    expect(messages()[0]).toMatchObject({ id: published.body.id, data: { id: published.body.id } })
    await until('the WebSocket has all', () => frames.filter((one) => one['type'] === 'message').length === 3)
    expect(frames.filter((one) => one['type'] === 'message').map((one) => one['topic'])).toEqual(topics)
    expect(frames.find((one) => one['type'] === 'ack')).toMatchObject({ ref: 'a', id: messages()[2]?.id })
    await until('the callback has all', () => deliveries.length === 3)
    const [first] = deliveries
    expect(JSON.parse(first?.body ?? '')).toMatchObject({ id: published.body.id, topic: 'device/7/data' })
    if (first === undefined) throw new Error('no delivery')
    expect(first.headers['webhook-signature']).toBe(signature(subscription.body.secret, first))
    await until('the MQTT client has all', () => received.length === 3)
    expect(received.map((one) => one.topic)).toEqual(topics)

    const id = subscription.body.subscription_id
    expect((await call(daemon, 'DELETE', `/subscriptions/${id}`)).status).toBe(204)
    stream.close()
    socket.close()
    await client.endAsync()
  })

  test('an invalid message is answered with its errors, counted, and not kept', async () => {
    const refused = await call(daemon, 'POST', '/messages/publish', {
      channel_id: channel.id,
      payload: { temperature: 'hot' },
      parameters: { deviceId: '7' },
    })
    expect(refused.status).toBe(422)
    expect(refused.headers.get('content-type')).toContain('application/problem+json')
    expect(refused.body).toMatchObject({
      code: 'payload-invalid',
      errors: [{ pointer: '/temperature', keyword: 'type' }],
    })
    expect(readStore(daemon.folder, 'SELECT id FROM quarantine')).toEqual([])
    const statistics = await call<{ totals: object; channels: object[] }>(
      daemon,
      'GET',
      '/messages/statistics?window=1h',
    )
    expect(statistics.body.totals).toMatchObject({ received: 4, valid: 3, rejected: 1 })
    expect(statistics.body.channels).toMatchObject([{ channel_id: channel.id, received: 4, valid: 3, rejected: 1 }])
    const labels = '{channel="device/{deviceId}/data",document="iot@1.0.0"}'
    expect(await daemon.metric(`channel_messages_received_total${labels}`)).toBe(4)
    expect(await daemon.metric(`channel_messages_rejected_total${labels}`)).toBe(1)
    expect(await daemon.metric('message_durable_seconds{quantile="0.5"}')).toBeGreaterThan(0)
  })

  test('stands in the six tables', async () => {
    const count = (table: string): number =>
      readStore<{ n: number }>(daemon.folder, `SELECT count(*) AS n FROM ${table}`)[0]?.n ?? 0
    expect(count('asyncapi_templates')).toBe(1)
    expect(readStore(daemon.folder, 'SELECT name, version, status FROM asyncapi_documents')).toEqual([
      { name: 'iot', version: '1.0.0', status: 'active' },
    ])
    expect(readStore(daemon.folder, 'SELECT id, channel_name, protocol FROM message_channels')).toEqual([
      { id: channel.id, channel_name: 'device/{deviceId}/data', protocol: 'mqtt' },
    ])
    expect(readStore(daemon.folder, 'SELECT message_name, message_type FROM message_definitions')).toEqual([
      { message_name: 'DeviceData', message_type: 'publish' },
    ])
    expect(readStore(daemon.folder, 'SELECT broker_name, protocol FROM message_brokers')).toEqual([
      { broker_name: 'production', protocol: 'mqtt' },
    ])
    const settled = `SELECT status, broker_response FROM message_call_logs WHERE operation_type = 'publish' AND status = 'success' AND broker_response IS NOT NULL`
    await until('the calls are settled', () => readStore(daemon.folder, settled).length === 3)
    expect(readStore(daemon.folder, settled)).toEqual(
      Array.from({ length: 3 }, () => ({ status: 'success', broker_response: '{"journal":"settled"}' })),
    )
    expect(count(`message_call_logs WHERE status = 'error' AND broker_response ->> 'verdict' = 'rejected'`)).toBe(1)
  })

  test('survives a restart, and a stream goes on where it was', async () => {
    const stream = await openStream(daemon, `/messages/stream?kind=message&channel_id=${channel.id}`)
    await call(daemon, 'POST', '/messages/publish', {
      channel_id: channel.id,
      payload: { deviceId: '1', temperature: 1 },
    })
    await until('the stream has it', () => stream.events.length === 1)
    const last = stream.events[0]?.id ?? ''
    stream.close()
    await call(daemon, 'POST', '/messages/publish', {
      channel_id: channel.id,
      payload: { deviceId: '2', temperature: 2 },
    })
    await daemon.stop()
    await daemon.start()
    const again = await openStream(daemon, `/messages/stream?kind=message&channel_id=${channel.id}`, {
      'last-event-id': last,
    })
    await until('the stream has what it missed', () => again.events.length === 1)
    expect(again.events[0]?.data).toMatchObject({ topic: 'device/2/data', payload: { temperature: 2 } })
    again.close()
    const statistics = await call<{ totals: object }>(daemon, 'GET', '/messages/statistics?window=1h')
    expect(statistics.body.totals).toMatchObject({ valid: 5 })
  })
})

function signature(secret: string, { headers, body }: Delivery): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`
}

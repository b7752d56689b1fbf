import { afterEach, beforeEach, expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { DaemonProcess, type LogLine } from '../support/daemon-process.ts'
import { readJournal } from '../support/journal-reader.ts'
import {
  connectPacket,
  PUBACK,
  PUBLISH,
  publishPacket,
  RawMqtt,
  readPublish,
  SUBACK,
  subscribePacket,
} from '../support/raw-mqtt.ts'
import { readStore } from '../support/store-reader.ts'

let daemon: DaemonProcess

afterEach(() => daemon.remove())

const DOCUMENT = {
  asyncapi: '2.6.0',
  info: { title: 'Shadow', version: '1.0.0' },
  channels: { '$aws/things/{thing}/shadow/update': { publish: { message: { payload: { type: 'object' } } } } },
}

beforeEach(async () => {
  daemon = await DaemonProcess.create()
  daemon.configure({ asyncapi: [daemon.writeFile('shadow.json', JSON.stringify(DOCUMENT))] })
  await daemon.start()
})

/** The line that names the client, with client, address and reason. */
async function line(message: string, client: string): Promise<LogLine | undefined> {
  const find = (): LogLine | undefined =>
    daemon.logLines().find((one) => one.msg === message && one['client'] === client)
  await waitUntil(
    () => `${message}, ${client}`,
    () => find() !== undefined,
  )
  return find()
}

test('14. Nothing is refused or dropped in silence: connections that are refused or closed', async () => {
  const v5 = new RawMqtt(daemon.mqttPort)
  v5.send(connectPacket({ clientId: 'v5', level: 5 }))
  await v5.gone()
  expect([...v5.raw]).toEqual([0x20, 3, 0, 0x84, 0])
  const stranger = new RawMqtt(daemon.mqttPort)
  stranger.send(connectPacket({ clientId: 'stranger', username: 'mallory' }))
  await stranger.gone()
  const { client: white } = await RawMqtt.open(daemon.mqttPort, { clientId: 'white' })
  white.send(publishPacket('zigbee2mqtt/white #1', 'x', { qos: 1 }))
  await white.gone()
  const { client: twin } = await RawMqtt.open(daemon.mqttPort, { clientId: 'twin' })
  await RawMqtt.open(daemon.mqttPort, { clientId: 'twin' })
  await twin.gone()
  const address = '127.0.0.1'
  expect(await line('connection refused', 'v5')).toMatchObject({ level: 'warn', address, reason: 'version' })
  expect(await line('connection refused', 'stranger')).toMatchObject({ address, reason: 'credentials' })
  expect(await line('connection closed', 'white')).toMatchObject({ address, reason: 'protocol' })
  expect(await line('connection closed', 'twin')).toMatchObject({ address, reason: 'takeover' })
  expect(await daemon.metric('mqtt_connections_refused_total{reason="version"}')).toBe(1)
  expect(await daemon.metric('mqtt_connections_refused_total{reason="credentials"}')).toBe(1)
  expect(await daemon.metric('mqtt_connections_closed_total{reason="protocol"}')).toBe(1)
  expect(await daemon.metric('mqtt_connections_closed_total{reason="takeover"}')).toBe(1)
})

test.each(['$SYS/uptime', '$stepflow/clients/other/rejected'])(
  '14. Nothing is refused or dropped in silence: a will on %s is neither stored nor delivered nor retained',
  async (topic) => {
    const will = { topic, payload: '{}', retain: true }
    const { client } = await RawMqtt.open(daemon.mqttPort, { clientId: 'forger', will })
    await client.destroy()
    expect(await line('message refused', 'forger')).toMatchObject({ code: 'topic-reserved', topic })
    expect(await daemon.metric('messages_rejected_total{code="topic-reserved"}')).toBe(1)
    expect(readStore(daemon.folder, 'SELECT * FROM retained')).toEqual([])
  },
)

test('a notice names the packet of QoS 1, and the message of a described $ topic reaches the upstream', async () => {
  const { client } = await RawMqtt.open(daemon.mqttPort, { clientId: 'a1' })
  client.send(subscribePacket(1, { '$stepflow/clients/a1/#': 0 }))
  await client.received(SUBACK)
  const topic = '$aws/things/a1/shadow/update'
  client.send(publishPacket(topic, '{"state":{}}', { qos: 1, id: 41 }), publishPacket(topic, '7', { qos: 1, id: 42 }))
  await client.received(PUBACK, 1)
  const notice = JSON.parse(readPublish(await client.received(PUBLISH)).payload) as object
  expect(notice).toMatchObject({ topic, packetId: 42, code: 'payload-invalid' })
  expect(await line('message refused', 'a1')).toMatchObject({ address: '127.0.0.1', code: 'payload-invalid', topic })
  await daemon.drained('journal')
  expect(readJournal(daemon.path('journal'))).toMatchObject([{ topic, payload: { state: {} } }])
})

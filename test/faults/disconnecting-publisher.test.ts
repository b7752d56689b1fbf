import { afterEach, beforeEach, expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { readJournal } from '../support/journal-reader.ts'
import {
  disconnectPacket,
  PUBCOMP,
  PUBLISH,
  PUBREC,
  publishPacket,
  pubrelPacket,
  RawMqtt,
  readPublish,
  SUBACK,
  subscribePacket,
} from '../support/raw-mqtt.ts'
import { sized } from '../support/soak.ts'
import { readStore } from '../support/store-reader.ts'

const EACH = sized(60, 1_000)
const LIMIT_MS = sized(60_000, 600_000)

let daemon: DaemonProcess

beforeEach(async () => {
  daemon = await DaemonProcess.create()
  await daemon.start()
})

afterEach(() => daemon.remove())

function reading(n: number): string {
  return JSON.stringify({ temperature: n, humidity: 1 })
}

function numbersOf(client: RawMqtt): number[] {
  return client
    .packets(PUBLISH)
    .map((one) => (JSON.parse(readPublish(one).payload) as { temperature: number }).temperature)
}

async function subscribed(clientId: string, filter: string): Promise<RawMqtt> {
  const { client } = await RawMqtt.open(daemon.mqttPort, { clientId })
  client.send(subscribePacket(1, { [filter]: 0 }))
  await client.received(SUBACK)
  return client
}

/** The retained message that a new subscriber gets. */
async function retainedNumber(topic: string): Promise<number | undefined> {
  const client = await subscribed('reader', topic)
  await client.received(PUBLISH)
  const [number] = numbersOf(client)
  await client.destroy()
  return number
}

test.each([0, 1, 2] as const)(
  'row 49: PUBLISH and DISCONNECT in one segment, QoS %d: local subscribers and retained values are those of the log',
  async (qos) => {
    const topic = 'device/1/data'
    const listener = await subscribed('listener', topic)
    for (let n = 1; n <= EACH; n++) {
      const { client } = await RawMqtt.open(daemon.mqttPort, { clientId: `sensor-${n % 7}` })
      client.end(publishPacket(topic, reading(n), { qos, retain: n % 2 === 0 }), disconnectPacket)
      await client.gone()
    }
    const all = Array.from({ length: EACH }, (_, at) => at + 1)
    await waitUntil(
      () => `${EACH} messages heard, ${numbersOf(listener).length} came`,
      () => numbersOf(listener).length >= EACH,
    )
    await daemon.drained('journal')
    const stored = readJournal(daemon.path('journal')).map((line) => line.payload?.['temperature'])
    expect(numbersOf(listener)).toEqual(stored)
    expect(stored.toSorted((a, b) => Number(a) - Number(b))).toEqual(all)
    const newest = stored.findLast((n) => Number(n) % 2 === 0)
    expect(await retainedNumber(topic)).toBe(newest)
    await daemon.kill()
    await daemon.start()
    expect(await retainedNumber(topic)).toBe(newest)
  },
  LIMIT_MS,
)

test('a new QoS 2 message under the packet id of one from before is stored, with and without a restart between', async () => {
  const device = { clientId: 'dev7', clean: false }
  const publish = async (n: number): Promise<RawMqtt> => {
    const { client } = await RawMqtt.open(daemon.mqttPort, device)
    client.send(publishPacket('device/1/data', reading(n), { qos: 2, id: 1 }))
    await client.received(PUBREC)
    return client
  }
  await (await publish(1)).destroy()
  await (await publish(2)).destroy()
  // What is sent twice, under one id, is not what this is about.
  await daemon.drained('journal')
  await daemon.kill()
  await daemon.start()
  const last = await publish(3)
  last.send(pubrelPacket(1))
  await last.received(PUBCOMP)
  await daemon.drained('journal')
  expect(readJournal(daemon.path('journal')).map((line) => line.payload?.['temperature'])).toEqual([1, 2, 3])
  expect(readStore(daemon.folder, 'SELECT * FROM incoming')).toEqual([])
})

test('a session whose subscriptions a restart has lost is not present, and its packet ids are forgotten', async () => {
  const device = { clientId: 'dev7', clean: false }
  const { client } = await RawMqtt.open(daemon.mqttPort, device)
  client.send(subscribePacket(1, { 'commands/#': 1 }))
  await client.received(SUBACK)
  client.send(publishPacket('device/1/data', reading(1), { qos: 2, id: 1 }))
  await client.received(PUBREC)
  await daemon.drained('journal')
  await daemon.kill()
  await daemon.start()
  const back = await RawMqtt.open(daemon.mqttPort, device)
  expect(back.sessionPresent).toBe(false)
  back.client.send(publishPacket('device/1/data', reading(2), { qos: 2, id: 1, dup: true }))
  await back.client.received(PUBREC)
  await daemon.drained('journal')
  expect(readJournal(daemon.path('journal')).map((line) => line.payload?.['temperature'])).toEqual([1, 2])
})

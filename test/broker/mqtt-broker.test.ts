import { connect, type Socket } from 'node:net'
import mqtt from 'mqtt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MqttBroker } from '../../daemon/broker/mqtt-broker.ts'
import { systemClock } from '../../daemon/core/clock.ts'
import { silentLogger } from '../../daemon/core/logger.ts'
import type { PublishInput, PublishOutcome } from '../../daemon/ports/publication.ts'
import { loadSettings } from '../../daemon/settings/loading/load-settings.ts'
import { waitUntil } from '../servers/wait-until.ts'
import { accepted, base } from '../settings/config-folder.ts'
import { collect, connectClient } from '../support/mqtt-client.ts'

interface Asked {
  input: PublishInput
  answer: (outcome: PublishOutcome) => void
}

let broker: MqttBroker
let port: number
/** Messages that wait for the store. */
let asked: Asked[]

beforeEach(async () => {
  asked = []
  broker = await MqttBroker.create({
    settings: {
      ...accepted(loadSettings(base)).settings.broker,
      listeners: [{ url: 'mqtt://127.0.0.1:0', host: '127.0.0.1', port: 0 }],
    },
    clock: systemClock,
    logger: silentLogger,
    isFull: () => false,
    publish: (input, answer) => void asked.push({ input, answer }),
    store: {
      incoming: new Map(),
      retained: [],
      rememberIncoming: () => undefined,
      forgetIncoming: (_client, _id, done) => done(),
      clearIncoming: () => undefined,
    },
  })
  const [opened = 0] = await broker.listen()
  port = opened
})

afterEach(async () => {
  await broker.stopListening()
  await broker.close()
})

async function waiting(count: number): Promise<void> {
  await waitUntil(
    () => `${count} messages handed in, ${asked.length} seen`,
    () => asked.length >= count,
  )
}

/** Bytes of a raw connection, from which the order of what the broker writes can be read. */
async function rawClient(): Promise<{ socket: Socket; bytes: () => Buffer }> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => void chunks.push(chunk))
  socket.write(Buffer.from([0x10, 15, 0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 0, 0, 3, ...Buffer.from('raw')]))
  await waitUntil(
    () => 'the CONNACK',
    () => Buffer.concat(chunks).length >= 4,
  )
  return { socket, bytes: () => Buffer.concat(chunks).subarray(4) }
}

function publishPacket(topic: string, id: number, payload = 'x'): Buffer {
  const body = Buffer.concat([Buffer.from([0, topic.length]), Buffer.from(topic), Buffer.from([id >> 8, id & 255])])
  const length = body.length + payload.length
  const lengthBytes = length < 128 ? [length] : [(length & 127) | 128, length >> 7]
  return Buffer.concat([Buffer.from([0x32, ...lengthBytes]), body, Buffer.from(payload)])
}

function pubackIds(bytes: Buffer): number[] {
  const ids: number[] = []
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    expect([...bytes.subarray(at, at + 2)]).toEqual([0x40, 2])
    ids.push(bytes.readUInt16BE(at + 2))
  }
  return ids
}

describe('PUBACK', () => {
  test('is not sent before the publish port has answered', async () => {
    const { socket, bytes } = await rawClient()
    socket.write(publishPacket('a', 300))
    await waiting(1)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(bytes().length).toBe(0)
    asked[0]?.answer('deliver')
    await waitUntil(
      () => 'the PUBACK',
      () => bytes().length === 4,
    )
    expect(pubackIds(bytes())).toEqual([300])
    socket.destroy()
  })

  test('keeps the order of the messages, with and without local subscribers', async () => {
    const listener = await connectClient(port)
    await listener.subscribeAsync('heard/#', { qos: 1 })
    const received = collect(listener)
    const { socket, bytes } = await rawClient()
    const ids = Array.from({ length: 60 }, (_, index) => index + 1)
    socket.write(Buffer.concat(ids.map((id) => publishPacket(id % 3 === 0 ? 'heard/x' : 'unheard/x', id))))
    await waiting(ids.length)
    for (const [index, { answer }] of asked.entries()) answer(index % 7 === 0 ? 'set-aside' : 'deliver')
    await waitUntil(
      () => `60 PUBACKs, ${bytes().length / 4} came`,
      () => bytes().length === ids.length * 4,
    )
    expect(pubackIds(bytes())).toEqual(ids)
    const delivered = ids.filter((id, index) => id % 3 === 0 && index % 7 !== 0).length
    await waitUntil(
      () => `${delivered} messages delivered, ${received.length} came`,
      () => received.length === delivered,
    )
    socket.destroy()
    await listener.endAsync()
  })

  test('is not sent for a message that could not be stored; the connection is closed', async () => {
    const { socket, bytes } = await rawClient()
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.write(Buffer.concat([publishPacket('a', 1), publishPacket('a', 2)]))
    await waiting(2)
    asked[0]?.answer('deliver')
    asked[1]?.answer('unavailable')
    await closed
    expect(pubackIds(bytes()).includes(2)).toBe(false)
  })
})

describe('a device with unanswered messages', () => {
  test('is still read from, and answered in order', async () => {
    const { socket, bytes } = await rawClient()
    for (let id = 1; id <= 40; id++) {
      socket.write(publishPacket('a', id))
      await waiting(id)
    }
    for (const { answer } of asked) answer('deliver')
    await waitUntil(
      () => `40 PUBACKs, ${bytes().length / 4} came`,
      () => bytes().length === 40 * 4,
    )
    expect(pubackIds(bytes())).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
    socket.destroy()
  })

  test('is not read from without bound: TCP pushes back until they are answered', async () => {
    const { socket, bytes } = await rawClient()
    const count = 8_000
    const payload = 'x'.repeat(1_000)
    for (let id = 1; id <= count; id++) socket.write(publishPacket('a', id, payload))
    let [seen, unchanged] = [0, 0]
    await waitUntil(
      () => `nothing more is read, ${asked.length} messages were`,
      () => {
        unchanged = asked.length === seen ? unchanged + 1 : 0
        seen = asked.length
        return seen > 0 && unchanged > 20
      },
    )
    // 64 KiB of the messages that wait, and what had been read from the socket in one piece with them.
    expect(seen).toBeLessThan(300)

    let answered = 0
    await waitUntil(
      () => `${count} PUBACKs, ${bytes().length / 4} came`,
      () => {
        for (; answered < asked.length; answered++) asked[answered]?.answer('deliver')
        return bytes().length === count * 4
      },
    )
    expect(pubackIds(bytes())).toEqual(Array.from({ length: count }, (_, index) => index + 1))
    socket.destroy()
  })

  test('loses none of them when it disconnects, and nothing more is written to it', async () => {
    const { socket } = await rawClient()
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.end(Buffer.concat([publishPacket('a', 1), publishPacket('a', 2), Buffer.from([0xe0, 0])]))
    await closed
    await waiting(2)
    for (const { answer } of asked) answer('deliver')
    const device = await connectClient(port)
    const done = device.publishAsync('a', 'of another', { qos: 1 })
    await waiting(3)
    asked[2]?.answer('deliver')
    await done
    await device.endAsync()
  })
})

describe('local delivery', () => {
  test('begins with the SUBACK and ends with the UNSUBACK, also for a topic that had no subscriber before', async () => {
    const [listener, device] = [await connectClient(port), await connectClient(port)]
    const received = collect(listener)
    const publish = async (text: string): Promise<void> => {
      const count = asked.length
      const done = device.publishAsync('a/b', text, { qos: 1 })
      await waiting(count + 1)
      asked[count]?.answer('deliver')
      await done
    }
    await publish('before')
    await listener.subscribeAsync('a/+', { qos: 1 })
    await publish('heard')
    await waitUntil(
      () => 'the message heard',
      () => received.length > 0,
    )
    await listener.unsubscribeAsync('a/+')
    await publish('after')
    await listener.subscribeAsync('a/+', { qos: 1 })
    await publish('heard again')
    await waitUntil(
      () => 'the message heard again',
      () => received.length > 1,
    )
    expect(received.map((one) => one.payload)).toEqual(['heard', 'heard again'])
    await Promise.all([listener.endAsync(), device.endAsync()])
  })

  test('includes a message that a device sends in one segment with its own SUBSCRIBE', async () => {
    const { socket, bytes } = await rawClient()
    const subscribe = Buffer.from([0x82, 6, 0, 9, 0, 1, ...Buffer.from('a'), 0])
    socket.write(Buffer.concat([subscribe, publishPacket('a', 1)]))
    await waiting(1)
    asked[0]?.answer('deliver')
    await waitUntil(
      () => 'the message itself',
      () => bytes().includes(Buffer.from([0x30, 4, 0, 1, ...Buffer.from('ax')])),
    )
    socket.destroy()
  })

  test('does not reach a client that subscribes between the message and its commit', async () => {
    const { socket, bytes } = await rawClient()
    const subscribe = Buffer.from([0x82, 6, 0, 9, 0, 1, ...Buffer.from('a'), 0])
    socket.write(Buffer.concat([publishPacket('a', 1), subscribe]))
    await waiting(1)
    const suback = [0x90, 3, 0, 9, 0]
    await waitUntil(
      () => 'the SUBACK',
      () => bytes().length >= suback.length,
    )
    asked[0]?.answer('set-aside')
    socket.write(publishPacket('a', 2, 'y'))
    await waiting(2)
    asked[1]?.answer('deliver')
    const delivered = [0x30, 4, 0, 1, ...Buffer.from('ay')]
    await waitUntil(
      () => 'the second message',
      () => bytes().includes(Buffer.from(delivered)),
    )
    const acknowledged = [0x40, 2, 0, 1, 0x40, 2, 0, 2]
    expect([...bytes()]).toHaveLength(suback.length + acknowledged.length + delivered.length)
    socket.destroy()
  })

  test('waits for a session that is offline', async () => {
    const options = { clientId: 'sleeper', clean: false }
    const sleeper = await connectClient(port, options)
    await sleeper.subscribeAsync('a/b', { qos: 1 })
    await sleeper.endAsync()
    const device = await connectClient(port)
    const done = device.publishAsync('a/b', 'while away', { qos: 1 })
    await waiting(1)
    asked[0]?.answer('deliver')
    await done
    const back = mqtt.connect(`mqtt://127.0.0.1:${port}`, { ...options, reconnectPeriod: 0 })
    const received = collect(back)
    await waitUntil(
      () => 'the message that came while it was away',
      () => received.length > 0,
    )
    expect(received.map((one) => one.payload)).toEqual(['while away'])
    await Promise.all([back.endAsync(), device.endAsync()])
  })
})

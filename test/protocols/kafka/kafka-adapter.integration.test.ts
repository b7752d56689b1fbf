import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KafkaAdapter } from '../../../daemon/protocols/kafka/kafka-adapter.ts'
import type { KafkaConfig } from '../../../daemon/protocols/kafka/kafka-config.ts'
import { partitionOf } from '../../../daemon/protocols/kafka/partitioner.ts'
import { type KafkaServer, startKafka } from '../../servers/kafka.ts'
import { freePort, portOf } from '../../servers/ports.ts'
import { startTcpProxy } from '../../servers/tcp-proxy.ts'
import { adapterSuite } from '../adapter-suite.ts'
import { outgoing, range } from '../outgoing.ts'
import { KafkaObserver, connectedAdapter, numberIn } from './kafka-subject.ts'

const SMALL = { config: { 'max.message.bytes': '20000' } }

adapterSuite<KafkaConfig>('KafkaAdapter', async () => {
  // The broker sends its clients to the address it advertises, so the proxy has to be that address.
  const proxyPort = await freePort()
  const kafka = await startKafka({ advertisedPorts: [proxyPort] })
  const proxy = await startTcpProxy(portOf(kafka.brokers[0]), proxyPort)
  const observer = new KafkaObserver([proxy.address])
  await observer.admin.connect()
  return {
    create: () => new KafkaAdapter(),
    config: () => ({ brokers: [proxy.address], clientId: 'edge-1', deadlineMs: 3000 }),
    newAddress: () => observer.newTopic(1, SMALL),
    arrived: (topic) => observer.numbers(topic),
    poison: (n, address) => outgoing(n, { address, payload: Buffer.alloc(30_000) }),
    link: () => proxy,
    deadlineMs: 3000,
    canSubscribe: true,
    stop: async () => {
      await observer.admin.disconnect()
      await proxy.close()
      await kafka.stopAll()
    },
  }
})

describe('KafkaAdapter', () => {
  let kafka: KafkaServer
  let observer: KafkaObserver
  let adapter: KafkaAdapter

  beforeAll(async () => {
    kafka = await startKafka()
    observer = new KafkaObserver(kafka.brokers)
    await observer.admin.connect()
    adapter = await connectedAdapter(kafka)
  })
  afterAll(async () => {
    await adapter.disconnect()
    await observer.admin.disconnect()
    await kafka.stopAll()
  })

  test('a record carries key, value, headers and time as given', async () => {
    const topic = await observer.newTopic()
    const long = 'é'.repeat(300)
    await adapter.publish(topic, [
      outgoing(1, {
        key: 'device-1',
        headers: { text: 'grün', bytes: Buffer.from([0, 255]), empty: '', [long]: long },
      }),
      outgoing(2, { key: 'ключ', payload: new Uint8Array([1, 2, 3]), headers: {}, timestampMs: 5 }),
      outgoing(3, { key: '', payload: new Uint8Array(), headers: {}, timestampMs: null }),
      outgoing(4, { payload: Buffer.alloc(100_000, 7), headers: {}, timestampMs: Date.UTC(2026, 5, 1) }),
    ])
    const records = await observer.read(topic)
    expect(records.map(({ key }) => key)).toEqual(['device-1', 'ключ', '', null])
    expect(records.map(({ value }) => value?.length)).toEqual([7, 3, 0, 100_000])
    expect(records[1]?.value).toEqual(Buffer.from([1, 2, 3]))
    expect(records.map(({ timestamp }) => Number(timestamp))).toEqual([
      Date.UTC(2026, 0, 1) + 1,
      5,
      -1,
      Date.UTC(2026, 5, 1),
    ])
    expect(records[0]?.headers).toEqual({
      text: Buffer.from('grün'),
      bytes: Buffer.from([0, 255]),
      empty: Buffer.alloc(0),
      [long]: Buffer.from(long),
    })
    expect(records[1]?.headers).toEqual({})
  })

  test.each(['none', 'gzip', 'zstd'] as const)('compression %s reads back the same', async (compression) => {
    const own = await connectedAdapter({ ...kafka, compression })
    const topic = await observer.newTopic()
    const outcomes = await own.publish(
      topic,
      range(1, 500).map((n) => outgoing(n)),
    )
    await own.disconnect()
    expect(outcomes.every(({ status }) => status === 'accepted')).toBe(true)
    expect(await observer.numbers(topic)).toEqual(range(1, 500))
  })

  test('the order key decides the partition as in Java’s client, also where the record key is null', async () => {
    const topic = await observer.newTopic(12)
    const keys = range(1, 100).map((n) => `device-${n}`)
    await adapter.publish(
      topic,
      keys.map((orderKey, index) => outgoing(index, { orderKey })),
    )
    for (const { partition, key, value } of await observer.read(topic)) {
      expect(key).toBeNull()
      expect(partition).toBe(partitionOf(keys[numberIn(value)] ?? '', 12))
    }
  })

  test('a batch over several topics and partitions is answered for each message', async () => {
    const topics = await Promise.all([1, 3, 5].map((partitions) => observer.newTopic(partitions)))
    const messages = range(0, 299).map((n) =>
      outgoing(n, { address: topics[n % 3] ?? '', orderKey: `device-${n % 17}` }),
    )
    const outcomes = await adapter.publish(null, messages)
    expect(outcomes).toHaveLength(300)
    expect(outcomes.every(({ status }) => status === 'accepted')).toBe(true)
    const arrived = (await Promise.all(topics.map((topic) => observer.numbers(topic)))).flat()
    expect(arrived.toSorted((a, b) => a - b)).toEqual(range(0, 299))
  })

  test('poisonous messages of several topics and partitions are rejected, and the rest arrives once and in order', async () => {
    const [small, wide] = [await observer.newTopic(1, SMALL), await observer.newTopic(4, SMALL)]
    const isPoison = (n: number) => n === 0 || n === 101 || n === 102 || n === 399
    const messages = range(0, 399).map((n) =>
      outgoing(n, {
        address: n % 2 === 0 ? small : wide,
        orderKey: `device-${n % 10}`,
        ...(isPoison(n) ? { payload: Buffer.alloc(30_000) } : {}),
      }),
    )
    const outcomes = await adapter.publish(null, messages)
    for (const [n, outcome] of outcomes.entries()) {
      if (isPoison(n))
        expect(outcome, String(n)).toMatchObject({ status: 'rejected', error: { code: 'message-too-large' } })
      else expect(outcome, String(n)).toEqual({ status: 'accepted' })
    }
    expect(await observer.numbers(small)).toEqual(range(0, 399).filter((n) => n % 2 === 0 && !isPoison(n)))
    const arrived = (await observer.read(wide)).map(({ value }) => numberIn(value))
    expect(arrived.toSorted((a, b) => a - b)).toEqual(range(0, 399).filter((n) => n % 2 === 1 && !isPoison(n)))
    for (const device of range(0, 9)) {
      const own = arrived.filter((n) => n % 10 === device)
      expect(own).toEqual(own.toSorted((a, b) => a - b))
    }
    // The producer's sequence numbers are still right.
    await adapter.publish(
      small,
      range(1000, 1100).map((n) => outgoing(n)),
    )
    expect((await observer.numbers(small)).slice(-101)).toEqual(range(1000, 1100))
  })

  test('a batch larger than the broker accepts is divided, although no single message is too large', async () => {
    const topic = await observer.newTopic(1, SMALL)
    const messages = range(1, 100).map((n) =>
      outgoing(n, { payload: Buffer.from(JSON.stringify({ n, pad: 'x'.repeat(1000) })) }),
    )
    expect(new Set((await adapter.publish(topic, messages)).map(({ status }) => status))).toEqual(new Set(['accepted']))
    expect(await observer.numbers(topic)).toEqual(range(1, 100))
  })

  test('a record that a compacted topic refuses is rejected, the others arrive', async () => {
    const topic = await observer.newTopic(1, { config: { 'cleanup.policy': 'compact' } })
    const outcomes = await adapter.publish(topic, [outgoing(1, { key: 'a' }), outgoing(2), outgoing(3, { key: 'c' })])
    expect(outcomes).toMatchObject([
      { status: 'accepted' },
      { status: 'rejected', error: { code: 'message-refused' } },
      { status: 'accepted' },
    ])
    expect(await observer.numbers(topic)).toEqual([1, 3])
  })

  test('messages for a name that Kafka does not allow are rejected, and other topics go on', async () => {
    const topic = await observer.newTopic()
    const outcomes = await adapter.publish(null, [
      outgoing(1, { address: topic }),
      outgoing(2, { address: 'a/b+c' }),
      outgoing(3, { address: topic }),
    ])
    expect(outcomes).toMatchObject([
      { status: 'accepted' },
      { status: 'rejected', error: { code: 'topic-name-invalid' } },
      { status: 'accepted' },
    ])
  })

  test('the first message for a topic that the cluster creates by itself is accepted', async () => {
    const topic = `auto-${Date.now()}`
    expect(await adapter.publish(topic, [outgoing(1)])).toEqual([{ status: 'accepted' }])
    expect(await observer.numbers(topic)).toEqual([1])
  })

  test('a topic that is deleted and made again with fewer partitions loses nothing', async () => {
    const topic = await observer.newTopic(8)
    const messages = range(0, 79).map((n) => outgoing(n, { orderKey: `device-${n}` }))
    await adapter.publish(topic, messages)
    await observer.admin.deleteTopics({ topics: [topic] })
    await observer.admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
    let left = messages
    for (let attempt = 0; left.length > 0 && attempt < 20; attempt += 1) {
      const outcomes = await adapter.publish(topic, left)
      left = left.filter((_, index) => outcomes[index]?.status !== 'accepted')
    }
    expect(left).toEqual([])
    const arrived = await observer.numbers(topic)
    expect([...new Set(arrived)].toSorted((a, b) => a - b)).toEqual(range(0, 79))
  })

  test('a subscription reads messages that are written from then on, and again a message whose callback failed', async () => {
    const topic = await observer.newTopic(2)
    await adapter.publish(topic, [outgoing(0)])
    const reader = await connectedAdapter({ ...kafka, groupId: `group-${Date.now()}` })
    const taken: number[] = []
    let refusals = 1
    await reader.subscribe(topic, ({ address, payload, headers }) => {
      const n = numberIn(Buffer.from(payload))
      expect(address).toBe(topic)
      expect(headers['message-id']).toBe(`edge-1:a:${n}`)
      if (n === 5 && refusals-- > 0) return Promise.reject(new Error('not now'))
      taken.push(n)
      return Promise.resolve()
    })
    await adapter.publish(
      topic,
      range(1, 10).map((n) => outgoing(n)),
    )
    await expect.poll(() => taken, { timeout: 20_000 }).toEqual(range(1, 10))
    await reader.disconnect()
  })
})

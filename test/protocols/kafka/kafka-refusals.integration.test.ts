/** A real Kafka that refuses: topics that are missing, times that are too old, a name that leads nowhere. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KafkaAdapter } from '../../../daemon/protocols/kafka/kafka-adapter.ts'
import { type KafkaServer, startKafka } from '../../servers/kafka.ts'
import { outgoing, range } from '../outgoing.ts'
import { connectedAdapter, KafkaObserver } from './kafka-subject.ts'

const MINUTE_MS = 60_000

let kafka: KafkaServer
let observer: KafkaObserver
let adapter: KafkaAdapter

beforeAll(async () => {
  kafka = await startKafka({ settings: { 'auto.create.topics.enable': 'false' } })
  observer = new KafkaObserver(kafka.brokers)
  await observer.admin.connect()
  adapter = await connectedAdapter({ ...kafka, deadlineMs: 5_000 })
})
afterAll(async () => {
  await adapter.disconnect()
  await observer.admin.disconnect()
  await kafka.stopAll()
})

test('200 missing topics in one batch hold their own messages, and the one that exists gets its', async () => {
  const present = await observer.newTopic()
  const messages = range(0, 400).map((n) => outgoing(n, { address: n % 2 === 0 ? present : `missing-${n}` }))
  const outcomes = await adapter.publish(null, messages)
  for (const [n, outcome] of outcomes.entries()) {
    if (n % 2 === 0) expect(outcome, String(n)).toEqual({ status: 'accepted' })
    else
      expect(outcome, String(n)).toMatchObject({
        status: 'kept',
        error: { code: 'route-missing', message: `missing-${n}: there is no such topic` },
      })
  }
  expect(await observer.numbers(present)).toEqual(range(0, 200).map((n) => 2 * n))
})

test('a topic that is made later gets its messages soon', async () => {
  const topic = `later-${Date.now()}`
  const publish = async (): Promise<string | undefined> => (await adapter.publish(topic, [outgoing(1)]))[0]?.status
  expect(await publish()).toBe('kept')
  await observer.admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  await expect.poll(publish, { timeout: 20_000, interval: 200 }).toBe('accepted')
})

test('a topic that refuses old times gets their messages without, in order, and the times of the others', async () => {
  const topic = await observer.newTopic(1, { config: { 'message.timestamp.before.max.ms': String(10 * MINUTE_MS) } })
  const now = Date.now()
  const isOld = (n: number): boolean => n < 20
  const timeOf = (n: number): number => now - (isOld(n) ? (100 - n) * MINUTE_MS : 0)
  const outcomes = await adapter.publish(
    topic,
    range(0, 39).map((n) => outgoing(n, { timestampMs: timeOf(n) })),
  )
  expect(outcomes).toEqual(range(0, 39).map(() => ({ status: 'accepted' })))
  const records = await observer.read(topic)
  expect(await observer.numbers(topic)).toEqual(range(0, 39))
  expect(records.map(({ timestamp }) => Number(timestamp))).toEqual(
    range(0, 39).map((n) => (isOld(n) ? -1 : timeOf(n))),
  )
})

test('an advertised name that cannot be resolved is named, with what to do', async () => {
  const name = 'kafka.internal.invalid:9092'
  const astray = await startKafka({ settings: { 'advertised.listeners': `PLAINTEXT://${name}` } })
  const lost = new KafkaAdapter()
  try {
    await expect(
      lost.connect({ brokers: astray.brokers, clientId: 'edge-1', deadlineMs: 10_000 }),
    ).rejects.toMatchObject({
      code: 'upstream-unreachable',
      message: `${astray.brokers[0]} answered and names ${name}, which cannot be resolved: advertised.listeners`,
      hint: expect.stringContaining('advertised.listeners'),
    })
    const [outcome] = await lost.publish('a', [outgoing(1)])
    expect(outcome).toMatchObject({ status: 'kept', error: { message: expect.stringContaining(name) } })
  } finally {
    await lost.disconnect()
    await astray.stopAll()
  }
})

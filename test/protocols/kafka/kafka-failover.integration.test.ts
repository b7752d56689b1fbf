import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OutgoingMessage } from '../../../daemon/protocols/adapter.ts'
import { type KafkaServer, startKafka } from '../../servers/kafka.ts'
import { waitUntil } from '../../servers/wait-until.ts'
import { outgoing, range } from '../outgoing.ts'
import { KafkaObserver, connectedAdapter, numberIn } from './kafka-subject.ts'

const PARTITIONS = 6
const DEVICES = 20
const BATCH = 100
const KILLS = 3

describe('KafkaAdapter before three brokers', () => {
  let kafka: KafkaServer
  let observer: KafkaObserver

  beforeAll(async () => {
    kafka = await startKafka({ brokers: 3 })
    observer = new KafkaObserver(kafka.brokers)
    await observer.admin.connect()
  })
  afterAll(async () => {
    await observer.admin.disconnect()
    await kafka.stopAll()
  })

  test('leaders killed in the middle of batches: nothing accepted is lost, no device’s messages change their order', async () => {
    const topic = await observer.newTopic(PARTITIONS, { replicas: 3, config: { 'min.insync.replicas': '2' } })
    const adapter = await connectedAdapter({ ...kafka, deadlineMs: 5000 })
    const accepted = new Set<number>()
    let next = 0
    let isRunning = true

    const forward = async () => {
      let kept: OutgoingMessage[] = []
      while (isRunning || kept.length > 0) {
        const fresh = isRunning ? range(next, next + BATCH - kept.length - 1) : []
        next += fresh.length
        const messages = [...kept, ...fresh.map((n) => outgoing(n, { orderKey: `device-${n % DEVICES}` }))]
        const outcomes = await adapter.publish(topic, messages)
        for (const [index, { payload }] of messages.entries()) {
          if (outcomes[index]?.status === 'accepted') accepted.add(numberIn(Buffer.from(payload)))
        }
        kept = messages.filter((_, index) => outcomes[index]?.status !== 'accepted')
        if (kept.length > 0) await sleep(50)
      }
    }
    const forwarding = forward()
    for (const kill of range(1, KILLS)) {
      await sleep(300)
      const leader = await leaderOf(kill % PARTITIONS, topic)
      await kafka.kill(leader)
      const before = accepted.size
      await waitUntil(
        () => `messages are accepted after kill ${kill}`,
        () => accepted.size > before + 5 * BATCH,
      )
      await kafka.start(leader)
      await waitUntil(
        () => 'all replicas are in sync',
        () => inSync(topic),
      )
    }
    isRunning = false
    await forwarding
    await adapter.disconnect()

    const records = await observer.read(topic)
    const arrived = new Set(records.map(({ value }) => numberIn(value)))
    const lost = [...accepted].filter((n) => !arrived.has(n))
    expect(accepted.size).toBe(next)
    expect(lost).toEqual([])
    for (const device of range(0, DEVICES - 1)) {
      const own = records.map(({ value }) => numberIn(value)).filter((n) => n % DEVICES === device)
      const first = [...new Set(own)]
      expect(first).toEqual(first.toSorted((a, b) => a - b))
    }
    console.log(`${accepted.size} accepted, ${records.length - arrived.size} repeated`)
  })

  test('too few replicas in sync: kept, not rejected, and delivered when they are back', async () => {
    const topic = await observer.newTopic(1, { replicas: 3, config: { 'min.insync.replicas': '3' } })
    const adapter = await connectedAdapter({ ...kafka, deadlineMs: 4000 })
    expect(await adapter.publish(topic, [outgoing(1)])).toEqual([{ status: 'accepted' }])
    const follower = (await leaderOf(0, topic)) === 0 ? 1 : 0
    await kafka.kill(follower)
    await waitUntil(
      () => 'the lack of replicas is reported',
      async () => {
        const [outcome] = await adapter.publish(topic, [outgoing(2)])
        expect(outcome?.status).toBe('kept')
        return outcome?.status === 'kept' && outcome.error.code === 'upstream-unavailable'
      },
    )
    await kafka.start(follower)
    await waitUntil(
      () => 'delivered again',
      async () => (await adapter.publish(topic, [outgoing(2)]))[0]?.status === 'accepted',
    )
    await adapter.disconnect()
    expect([...new Set(await observer.numbers(topic))]).toEqual([1, 2])
  })

  async function partitionsOf(topic: string) {
    const { topics } = await observer.admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]?.partitions ?? []
  }

  /** The index of the broker that leads the partition. */
  async function leaderOf(partition: number, topic: string): Promise<number> {
    const found = (await partitionsOf(topic)).find(({ partitionId }) => partitionId === partition)
    return (found?.leader ?? 1) - 1
  }

  async function inSync(topic: string): Promise<boolean> {
    const partitions = await partitionsOf(topic)
    return partitions.length === PARTITIONS && partitions.every(({ isr }) => isr.length === 3)
  }
})

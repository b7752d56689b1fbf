import kafkajs from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { EdgeError } from '../../../daemon/core/errors.ts'
import { BatchDelivery } from '../../../daemon/protocols/kafka/batch-delivery.ts'
import type { PartitionBatch } from '../../../daemon/protocols/kafka/prepared-messages.ts'
import { outgoing, range } from '../outgoing.ts'

const MESSAGES = range(0, 9).map((n) => outgoing(n))
const EVEN: PartitionBatch = { topic: 'a', partition: 0, indices: [0, 2, 4, 6, 8] }
const ODD: PartitionBatch = { topic: 'b', partition: 3, indices: [1, 3, 5, 7, 9] }

const refusal = (code: number) => Object.assign(new kafkajs.KafkaJSProtocolError('refused'), { code, retriable: false })

/** Delivers to a server that answers as `answer` says, and records the messages that it wrote. */
async function deliver(answer: (batches: readonly PartitionBatch[]) => Error | undefined | 'skip b') {
  const written: number[] = []
  const delivery = new BatchDelivery((batches) => {
    const result = answer(batches)
    if (result instanceof Error) return Promise.reject(result)
    const confirmed = result === 'skip b' ? batches.filter(({ topic }) => topic !== 'b') : batches
    written.push(...confirmed.flatMap(({ indices }) => indices))
    return Promise.resolve(confirmed.map(({ topic, partition }) => ({ topicName: topic, partition, errorCode: 0 })))
  }, MESSAGES)
  const result = await delivery.deliver([EVEN, ODD])
  const statuses = result.outcomes.map((outcome) => outcome?.status ?? 'not tried')
  return { ...result, written, statuses }
}

const holds = (batches: readonly PartitionBatch[], ...indices: number[]) =>
  batches.some((batch) => batch.indices.some((index) => indices.includes(index)))

describe('BatchDelivery', () => {
  test('a partition that the answer does not name was not delivered', async () => {
    const { statuses, fault } = await deliver(() => 'skip b')
    expect(statuses).toEqual(range(0, 9).map((n) => (n % 2 === 0 ? 'accepted' : 'not tried')))
    expect(fault?.error.code).toBe('upstream-unavailable')
  })

  test('only the poisonous messages are rejected, the rest is written once and in order', async () => {
    const { statuses, written, fault } = await deliver((batches) => (holds(batches, 4, 9) ? refusal(10) : undefined))
    expect(statuses).toEqual(range(0, 9).map((n) => (n === 4 || n === 9 ? 'rejected' : 'accepted')))
    expect(written).toEqual([0, 2, 6, 8, 1, 3, 5, 7])
    expect(fault).toBeUndefined()
  })

  test('a forbidden topic is held as a whole, the other is delivered', async () => {
    const { outcomes, statuses, refusedTopics } = await deliver((batches) =>
      holds(batches, 0) ? refusal(29) : undefined,
    )
    expect(statuses).toEqual(range(0, 9).map((n) => (n % 2 === 0 ? 'kept' : 'accepted')))
    expect(outcomes[0]).toMatchObject({ error: { code: 'route-forbidden' } })
    expect([...refusedTopics]).toEqual(['a'])
  })

  test('behind a message that is not delivered nothing of its partition is sent', async () => {
    let sends = 0
    const { statuses, fault } = await deliver((batches) => {
      sends += 1
      if (sends === 1) return refusal(10)
      return holds(batches, 4) ? (sends > 2 ? new EdgeError('upstream-timeout', 'too late') : refusal(10)) : undefined
    })
    expect(statuses).toEqual(['accepted', 'not tried', 'accepted', ...range(3, 9).map(() => 'not tried')])
    expect(fault?.error.code).toBe('upstream-timeout')
  })

  test('messages whose times the topic refuses are sent again without, and keep their place; the others keep their times', async () => {
    const day = 24 * 3_600_000
    const messages = range(0, 9).map((n) => outgoing(n, { timestampMs: n * day }))
    const written: string[] = []
    const delivery = new BatchDelivery(([batch]) => {
      const { indices = [], isTimeless = false, topic = '', partition = 0 } = batch ?? {}
      if (!isTimeless && indices.some((index) => index < 4)) return Promise.reject(refusal(32))
      written.push(...indices.map((index) => `${index}${isTimeless ? ' without' : ''}`))
      return Promise.resolve([{ topicName: topic, partition, errorCode: 0 }])
    }, messages)
    const { outcomes, timelessTopics, fault } = await delivery.deliver([
      { topic: 'a', partition: 0, indices: range(0, 9) },
    ])
    expect(outcomes.map((outcome) => outcome?.status)).toEqual(range(0, 9).map(() => 'accepted'))
    expect(written).toEqual(range(0, 9).map((n) => (n < 4 ? `${n} without` : `${n}`)))
    expect([[...timelessTopics], fault]).toEqual([['a'], undefined])
  })

  test('a backlog of one moment whose times are refused takes one more request', async () => {
    let sends = 0
    const delivery = new BatchDelivery(
      ([batch]) => {
        sends += 1
        const { isTimeless = false, topic = '', partition = 0 } = batch ?? {}
        if (!isTimeless) return Promise.reject(refusal(32))
        return Promise.resolve([{ topicName: topic, partition, errorCode: 0 }])
      },
      range(0, 499).map((n) => outgoing(n)),
    )
    const { outcomes } = await delivery.deliver([{ topic: 'a', partition: 0, indices: range(0, 499) }])
    expect(outcomes.every((outcome) => outcome?.status === 'accepted')).toBe(true)
    // As a whole, its partition, and once more without times.
    expect(sends).toBe(3)
  })

  test('a message that is refused for its time without having one is rejected', async () => {
    const { statuses } = await deliver((batches) => (holds(batches, 4) ? refusal(32) : undefined))
    expect(statuses).toEqual(range(0, 9).map((n) => (n === 4 ? 'rejected' : 'accepted')))
  })
})

import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { silentLogger } from '../../../daemon/core/logger.ts'
import { loadKafkajs } from '../../../daemon/protocols/kafka/load-kafkajs.ts'
import { restIdleQueue, restIdleQueues } from '../../../daemon/protocols/kafka/request-queues.ts'

interface Answer {
  correlationId: number
  size: number
  payload: null
}
interface Queue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
  push(request: object): void
  fulfillRequest(answer: Answer): void
  maybeThrottle(ms: number): void
}
type QueueClass = new (options: object) => Queue

const silent = () => undefined
const logger = { debug: silent, warn: silent }

const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as QueueClass

function newQueue(maxInFlightRequests: number): { queue: Queue; sent: number[]; push: (id: number) => void } {
  const queue = new RequestQueue({ maxInFlightRequests, requestTimeout: 1000, clientId: 'c', broker: 'b', logger })
  const sent: number[] = []
  const push = (correlationId: number): void =>
    queue.push({
      entry: { correlationId, resolve: silent, reject: silent },
      expectResponse: true,
      sendRequest: () => sent.push(correlationId),
    })
  return { queue, sent, push }
}

function restingQueue(maxInFlightRequests: number): ReturnType<typeof newQueue> {
  const made = newQueue(maxInFlightRequests)
  restIdleQueue(made.queue)
  return made
}

const answer = (correlationId: number): Answer => ({ correlationId, size: 0, payload: null })

describe('a request queue of kafkajs that rests', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('sets no timer while no request waits', () => {
    const { queue: idle, sent, push } = restingQueue(1)
    push(1)
    idle.fulfillRequest(answer(1))
    expect(sent).toEqual([1])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('sends a waiting request after the answer to the one before it', async () => {
    const { queue: busy, sent, push } = restingQueue(1)
    push(1)
    push(2)
    expect(sent).toEqual([1])
    busy.fulfillRequest(answer(1))
    expect(sent).toEqual([1, 2])
    busy.fulfillRequest(answer(2))
    await vi.advanceTimersByTimeAsync(100)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('sends a throttled request when the throttle time is over, and rests then', async () => {
    const { queue: throttled, sent, push } = restingQueue(5)
    throttled.maybeThrottle(500)
    push(1)
    await vi.advanceTimersByTimeAsync(400)
    expect(sent).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect(sent).toEqual([1])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the request queues of one kafkajs client', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('as the library has them, check for waiting requests though none waits', () => {
    const { queue: idle, push } = newQueue(1)
    push(1)
    idle.fulfillRequest(answer(1))
    expect(vi.getTimerCount()).toBe(1)
  })

  test('rest after the client was changed, and the module stays as it was', async () => {
    const { kafkajs } = await loadKafkajs(silentLogger)
    const prototype = { ...Object.getOwnPropertyDescriptors(RequestQueue.prototype) }
    const kafka = new kafkajs.Kafka({ brokers: ['127.0.0.1:1'], logLevel: kafkajs.logLevel.NOTHING })
    restIdleQueues(kafka)
    const queues = (await connectionPoolOf(kafka)).pool.map(({ requestQueue }) => requestQueue)
    expect(queues).toHaveLength(2)
    for (const queue of queues) {
      queue.scheduleCheckPendingRequests()
      expect(vi.getTimerCount()).toBe(0)
    }
    expect(Object.getOwnPropertyDescriptors(RequestQueue.prototype)).toEqual(prototype)
  })
})

interface Pool {
  pool: { requestQueue: Queue }[]
}

/** Builds a connection pool as the client's producer would. */
function connectionPoolOf(kafka: object): Promise<Pool> {
  const [createCluster] = Object.getOwnPropertySymbols(kafka)
    .filter(({ description }) => description === 'private:Kafka:createCluster')
    .map((key) => Object.getOwnPropertyDescriptor(kafka, key)?.value as (options: object) => Cluster)
  if (createCluster === undefined) throw new Error('this kafkajs has no private createCluster')
  return createCluster({}).brokerPool.connectionPoolBuilder.build()
}

interface Cluster {
  brokerPool: { connectionPoolBuilder: { build(): Promise<Pool> } }
}

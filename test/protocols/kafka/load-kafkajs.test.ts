import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadKafkajs } from '../../../daemon/protocols/kafka/load-kafkajs.ts'

interface Answer {
  correlationId: number
  size: number
  payload: null
}
interface Queue {
  push(request: object): void
  fulfillRequest(answer: Answer): void
  maybeThrottle(ms: number): void
}
type QueueClass = new (options: object) => Queue

const silent = () => undefined
const logger = { debug: silent, warn: silent }

async function queue(
  maxInFlightRequests: number,
): Promise<{ queue: Queue; sent: number[]; push: (id: number) => void }> {
  await loadKafkajs()
  // Asked for twice, as by two connections.
  await loadKafkajs()
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as QueueClass
  const made = new RequestQueue({ maxInFlightRequests, requestTimeout: 1000, clientId: 'c', broker: 'b', logger })
  const sent: number[] = []
  const push = (correlationId: number): void =>
    made.push({
      entry: { correlationId, resolve: silent, reject: silent },
      expectResponse: true,
      sendRequest: () => sent.push(correlationId),
    })
  return { queue: made, sent, push }
}

const answer = (correlationId: number): Answer => ({ correlationId, size: 0, payload: null })

describe('the request queue of kafkajs', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('sets no timer while no request waits', async () => {
    const { queue: idle, sent, push } = await queue(1)
    push(1)
    idle.fulfillRequest(answer(1))
    expect(sent).toEqual([1])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('sends what waits for the answer before it', async () => {
    const { queue: busy, sent, push } = await queue(1)
    push(1)
    push(2)
    expect(sent).toEqual([1])
    busy.fulfillRequest(answer(1))
    expect(sent).toEqual([1, 2])
    busy.fulfillRequest(answer(2))
    await vi.advanceTimersByTimeAsync(100)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('sends what waits while the broker throttles, when the time is over, and rests then', async () => {
    const { queue: throttled, sent, push } = await queue(5)
    throttled.maybeThrottle(500)
    push(1)
    await vi.advanceTimersByTimeAsync(400)
    expect(sent).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    expect(sent).toEqual([1])
    expect(vi.getTimerCount()).toBe(0)
  })
})

import { beforeEach, describe, expect, test } from 'vitest'
import { FakeTime } from '../../daemon/core/timers.ts'
import type { DestinationStatus } from '../../daemon/forward/forwarder-messages.ts'
import { GatewayEvents } from '../../daemon/operations/events.ts'
import type { FeedConnection, FeedDeadLetter } from '../../daemon/ports/feed.ts'
import type { DeadLetterRow } from '../../daemon/store/tables/dead-letters.ts'
import { destination } from './destination.ts'

const LOOK_MS = 500

let time: FakeTime
let destinations: DestinationStatus[]
let letters: DeadLetterRow[]
let connections: FeedConnection[]
let deadLetters: FeedDeadLetter[]
let events: GatewayEvents

beforeEach(() => {
  time = new FakeTime()
  destinations = []
  letters = []
  connections = []
  deadLetters = []
  events = new GatewayEvents({
    feed: {
      connection: (make) => void connections.push(make()),
      deadLetter: (make) => void deadLetters.push(make()),
    },
    destinations: () => destinations,
    deadLetters: {
      lastId: () => letters.at(-1)?.id ?? 0,
      after: (id, limit) => letters.filter((one) => one.id > id).slice(0, limit),
    },
    channelIds: (topic) => [`channel of ${topic}`],
    wallMs: () => time.wallMs(),
    timers: time,
  })
})

function letter(id: number): DeadLetterRow {
  return {
    id,
    seq: id,
    destination: 'events',
    message_id: `edge:store:${id}`,
    topic: 'd/1',
    address: 'd',
    client_id: 'c',
    code: 'message-too-large',
    answer: 'too large',
    headers: '',
    payload: Buffer.alloc(0),
    wall_ms: time.wallMs(),
    is_replayable: true,
  }
}

describe('the states of upstreams', () => {
  test('are announced once for each change, with the error', async () => {
    destinations = [destination({ state: 'connecting' })]
    await time.pass(3 * LOOK_MS)
    const lastError = { code: 'upstream-timeout', message: 'no answer', hint: 'wait' }
    destinations = [destination({ state: 'disconnected', lastError })]
    await time.pass(3 * LOOK_MS)
    expect(connections.map(({ type, name, state, error }) => ({ type, name, state, error }))).toEqual([
      { type: 'upstream', name: 'events', state: 'connecting', error: null },
      {
        type: 'upstream',
        name: 'events',
        state: 'disconnected',
        error: { code: 'upstream-timeout', message: 'no answer' },
      },
    ])
  })

  test('are no longer looked at after the stop', async () => {
    events.stop()
    destinations = [destination()]
    await time.pass(3 * LOOK_MS)
    expect([connections, time.pending]).toEqual([[], 0])
  })
})

describe('dead letters', () => {
  test('are announced each once, in order, more than fit one look too', async () => {
    letters = Array.from({ length: 250 }, (_one, index) => letter(index + 1))
    destinations = [destination({ deadLettered: 250 })]
    await time.pass(4 * LOOK_MS)
    expect(deadLetters.map(({ id }) => Number(id))).toEqual(letters.map(({ id }) => id))
  })

  test('that are counted before they are committed are found by a later look', async () => {
    destinations = [destination({ deadLettered: 1 })]
    await time.pass(3 * LOOK_MS)
    expect(deadLetters).toEqual([])
    letters = [letter(1)]
    await time.pass(2 * LOOK_MS)
    expect(deadLetters).toMatchObject([
      { id: '1', messageId: 'edge:store:1', code: 'message-too-large', channelIds: ['channel of d/1'] },
    ])
  })
})

test('a client that comes and goes is announced with its address', () => {
  const client = { clientId: 'c1', address: '127.0.0.1', sinceMs: 0, transport: 'tcp' } as const
  events.client(client, 'connected')
  events.client(client, 'disconnected')
  expect(connections.map(({ name, state, address }) => [name, state, address])).toEqual([
    ['c1', 'connected', '127.0.0.1'],
    ['c1', 'disconnected', '127.0.0.1'],
  ])
})

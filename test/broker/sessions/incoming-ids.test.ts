import { beforeEach, describe, expect, test } from 'vitest'
import { IncomingIds } from '../../../daemon/broker/sessions/incoming-ids.ts'

/** The rows of the store, as operations leave them. */
let rows: Map<string, Set<number>>
let ids: IncomingIds

/** A start on what the store has. */
function start(): void {
  ids = new IncomingIds({
    incoming: new Map([...rows].map(([client, known]) => [client, new Set(known)])),
    retained: [],
    rememberIncoming: remember,
    forgetIncoming: (client, id, done) => {
      rows.get(client)?.delete(id)
      if (rows.get(client)?.size === 0) rows.delete(client)
      done()
    },
    clearIncoming: (client) => void rows.delete(client),
  })
}

function remember(client: string, id: number): void {
  rows.set(client, (rows.get(client) ?? new Set()).add(id))
}

/** As ingest does with the message. */
function publish(client: string, id: number): void {
  remember(client, id)
  ids.add(client, id, { stored: undefined, print: 1 })
}

beforeEach(() => {
  rows = new Map()
  start()
})

describe('after a restart', () => {
  test('a session without subscriptions is resumed with its packet ids', () => {
    publish('pump', 7)
    start()
    expect(ids.isResumable('pump')).toBe(true)
    expect(ids.find('pump', 7)).toMatchObject({ print: undefined })
  })

  test.each([
    ['before', ['subscribe', 'publish']],
    ['after', ['publish', 'subscribe']],
  ])('a session that subscribed %s its message is not resumed, because its subscriptions are lost', (_when, steps) => {
    for (const step of steps) {
      if (step === 'publish') publish('pump', 7)
      else ids.sessionSubscribes('pump')
    }
    start()
    expect(ids.isResumable('pump')).toBe(false)
    ids.clear('pump')
    expect(rows.size).toBe(0)
  })

  test('a session that gave up its subscriptions is resumed', () => {
    ids.sessionSubscribes('pump')
    publish('pump', 7)
    ids.sessionHasNoSubscription('pump')
    start()
    expect(ids.isResumable('pump')).toBe(true)
  })

  test('nothing is left of a session whose packet ids were all released', () => {
    ids.sessionSubscribes('pump')
    publish('pump', 7)
    expect(ids.release('pump', 7, () => undefined)).toBe(true)
    start()
    expect(rows.size).toBe(0)
  })
})

test('a released packet id is free, and releasing it again says so', () => {
  publish('pump', 7)
  publish('pump', 8)
  let done = 0
  expect(ids.release('pump', 7, () => done++)).toBe(true)
  expect(ids.release('pump', 7, () => done++)).toBe(false)
  expect([ids.find('pump', 7), done]).toEqual([undefined, 1])
  expect(ids.isResumable('pump')).toBe(true)
})

test('a message that could not be stored frees its id, unless another one stands for it by now', () => {
  const [first, second] = [1, 2].map((print) => ({ stored: undefined, print }))
  if (first === undefined || second === undefined) throw new Error('two')
  ids.add('pump', 7, first)
  ids.add('pump', 7, second)
  ids.drop('pump', 7, first)
  expect(ids.find('pump', 7)).toBe(second)
  ids.drop('pump', 7, second)
  expect(ids.find('pump', 7)).toBeUndefined()
})

test('the packet ids of a session that ends are removed once, of no other one', () => {
  publish('pump', 7)
  publish('other', 7)
  ids.clear('pump')
  ids.clear('stranger')
  expect([...rows.keys()]).toEqual(['other'])
  expect(ids.find('other', 7)).toBeDefined()
})

import { beforeEach, describe, expect, test } from 'vitest'
import type { PublishOutcome } from '../../daemon/ports/publication.ts'
import { publishes, RoutingWorld, v2, type From } from '../verdict/routing-world.ts'

const NUMBER = { payload: { type: 'object', required: ['n'], properties: { n: { type: 'number' } } } }
const DOCUMENT = v2({ '#': publishes(), 'd/{id}': publishes(NUMBER), 'c/{id}': publishes({}, {}) })

let world: RoutingWorld

beforeEach(() => {
  world = new RoutingWorld({ documents: [DOCUMENT] })
})

/** Publishes and waits for nothing; the answers come into the list. */
function hand(topic: string, payload: unknown, from: From = {}): PublishOutcome[] {
  const answers: PublishOutcome[] = []
  world.hand(topic, payload, from, (outcome) => void answers.push(outcome))
  return answers
}

const codes = (): Record<string, number> => Object.fromEntries(world.counts.refusedByCode)

describe('a valid message', () => {
  test('is answered when it is durable, not before, and counted', () => {
    const answers = hand('d/1', { n: 1 })
    expect(answers).toEqual([])
    expect(world.counts).toMatchObject({ received: 1, receivedBytes: 7, stored: 0 })
    world.log.commit()
    expect(answers).toEqual(['deliver'])
    expect(world.counts).toMatchObject({ stored: 1, quarantined: 0, unavailable: 0 })
    expect(world.log.records[0]?.record).toMatchObject({ clientId: 'client-1', topic: 'd/1', headers: '' })
  })

  test('that could not be stored is not acknowledged', () => {
    const answers = hand('d/1', { n: 1 })
    world.log.fail()
    expect(answers).toEqual(['unavailable'])
    expect(world.counts).toMatchObject({ stored: 0, unavailable: 1 })
  })

  test('on a topic that starts with $ is stored, unless its first level is reserved', () => {
    expect(world.publish('$aws/things/a', { n: 1 }).outcome).toBe('deliver')
    expect(world.publish('$SYSTEM/a', { n: 1 }).outcome).toBe('deliver')
  })

  test('of QoS 1 leaves no packet id in the store, although its notice would name it', () => {
    hand('d/1', {}, { qos: 1, packetId: 7 })
    world.log.commit()
    expect(world.log.opsOf('incoming')).toEqual([])
    expect(world.notices).toMatchObject([{ rejection: { packetId: 7 } }])
  })

  test('of QoS 2 is stored with its packet id, an invalid one too', () => {
    hand('d/1', { n: 1 }, { qos: 2, packetId: 7 })
    hand('d/1', {}, { qos: 2, packetId: 8 })
    hand('$SYS/x', {}, { qos: 2, packetId: 9 })
    expect(world.log.opsOf('incoming').map(({ packetId }) => packetId)).toEqual([7, 8, 9])
  })
})

describe('a message that the store drops by policy', () => {
  test('is acknowledged, announced and neither counted as stored nor retained, streamed or recorded', () => {
    world.mayDrop = true
    const answers = hand('d/1', { n: 1 }, { retain: true, qos: 2, packetId: 3 })
    world.log.drop()
    expect(answers).toEqual(['dropped'])
    expect(world.counts).toMatchObject({ received: 1, stored: 0, unavailable: 0 })
    expect(world.notices).toMatchObject([{ clientId: 'client-1', rejection: { code: 'store-full', topic: 'd/1' } }])
    expect(world.log.opsOf('retain')).toMatchObject([{ withMessage: true }])
    expect(world.log.opsOf('incoming')).toEqual([{ type: 'incoming', clientId: 'client-1', packetId: 3 }])
  })

  test('is answered with store-full by the API', async () => {
    const [channelId] = world.judge.catalogue.channelIds('d/1')
    const published = world.publisher.publish({ channelId: channelId ?? '', value: { id: '1', n: 1 } }, 'alice')
    world.log.drop()
    await expect(published).rejects.toMatchObject({ code: 'store-full' })
  })
})

test('a message that the API refuses is counted as received', async () => {
  const [channelId] = world.judge.catalogue.channelIds('d/1')
  const published = world.publisher.publish({ channelId: channelId ?? '', value: { id: '1', n: 'x' } }, 'alice')
  await expect(published).rejects.toMatchObject({ name: 'MessageRefused' })
  expect(world.counts).toMatchObject({ received: 1, stored: 0 })
  expect(codes()).toEqual({ 'payload-invalid': 1 })
})

describe('a message whose headers do not fit a record', () => {
  test('leaves no retained value and no record behind', () => {
    const headers = { 'x-long': 'x'.repeat(70_000) }
    const answers = hand('d/1', { n: 1 }, { qos: 2, packetId: 7, retain: true, headers })
    world.log.commit()
    expect(answers).toEqual(['set-aside'])
    expect(world.log.records).toEqual([])
    expect(world.log.opsOf('retain')).toEqual([])
    expect(codes()).toEqual({ 'message-too-large': 1 })
    expect(world.notices).toMatchObject([
      { clientId: 'client-1', rejection: { code: 'message-too-large', packetId: 7 } },
    ])
  })

  test('is refused by the API before anything is stored', async () => {
    const headers = { 'x-long': 'x'.repeat(40_000) }
    const [channelId] = world.judge.catalogue.channelIds('d/1')
    const request = { channelId: channelId ?? '', value: { id: '1', n: 1 }, headers }
    await expect(world.publisher.publish(request, 'alice')).rejects.toMatchObject({
      code: 'message-too-large',
      place: { field: 'headers' },
    })
    expect([world.log.records, world.log.opsOf('retain')]).toEqual([[], []])
  })
})

describe('an invalid message', () => {
  test('is quarantined, then announced and acknowledged', () => {
    const answers = hand('d/1', { n: 'x' }, { qos: 2, packetId: 5, headers: { h: '1' } })
    expect([answers, world.notices, world.log.records]).toEqual([[], [], []])
    world.log.commit()
    expect(answers).toEqual(['set-aside'])
    const [{ row } = { row: undefined }] = world.log.opsOf('quarantine')
    expect(row).toMatchObject({
      id: 1,
      topic: 'd/1',
      clientId: 'client-1',
      headers: '{"h":"1"}',
      qos: 2,
      code: 'payload-invalid',
      document: 'Doc@1',
      message: 'M',
    })
    expect(row?.payload.toString()).toBe('{"n":"x"}')
    expect(JSON.parse(row?.errors ?? '')).toMatchObject([{ pointer: '/n', keyword: 'type', expected: 'number' }])
    expect(world.notices).toEqual([
      {
        clientId: 'client-1',
        rejection: {
          id: '1',
          topic: 'd/1',
          packetId: 5,
          code: 'payload-invalid',
          errors: JSON.parse(row?.errors ?? '') as unknown,
          document: 'Doc@1',
          message: 'M',
          at: '2026-01-01T00:00:00.000Z',
        },
      },
    ])
    expect(world.counts).toMatchObject({ received: 1, stored: 0, quarantined: 1, rejected: 1 })
    expect(codes()).toEqual({ 'payload-invalid': 1 })
  })

  test('that could not be written down is neither announced nor acknowledged', () => {
    const answers = hand('d/1', {})
    world.log.fail()
    expect(answers).toEqual(['unavailable'])
    expect([world.notices, world.counts.quarantined]).toEqual([[], 0])
  })

  test('closes the connection where its document says so', () => {
    const closing = v2({ 'd/{id}': publishes(NUMBER, { 'x-bridge': { onInvalid: 'disconnect' } }) })
    world.change({ documents: [closing] })
    const answers = hand('d/1', {})
    world.log.commit()
    expect(answers).toEqual(['disconnect'])
  })

  test('of the API is counted, and not kept', async () => {
    await expect(world.publishOn('d/{id}', { id: '1' })).rejects.toMatchObject({ code: 'payload-invalid' })
    expect(codes()).toEqual({ 'payload-invalid': 1 })
    expect([world.log.opsOf('quarantine'), world.log.records, world.notices]).toEqual([[], [], []])
  })
})

describe('a topic that may not be published on', () => {
  const levels = Array(17).fill('a').join('/')
  test.each([
    ['a control character', 'd/a\u0007b', 'topic-invalid'],
    ['a lone surrogate', 'd/\ud800', 'topic-invalid'],
    ['more levels than are allowed', levels, 'topic-invalid'],
    ['more bytes than are allowed', 'ä'.repeat(513), 'topic-invalid'],
    ['../', 'd/../x', 'topic-invalid'],
    ['the first level of the broker', '$SYS/x', 'topic-reserved'],
    ["the first level of clients' notices", '$stepflow/clients/a/rejected', 'topic-reserved'],
    ['the first level of shared subscriptions', '$share/x', 'topic-reserved'],
    ['a wildcard', 'd/+', 'topic-invalid'],
    ['the other wildcard', '#', 'topic-invalid'],
  ])('with %s is turned away: acknowledged, announced, not kept', (_what, topic, code) => {
    const answers = hand(topic, { n: 1 })
    world.log.commit()
    expect(answers).toEqual(['set-aside'])
    expect(world.notices.map(({ rejection }) => [rejection.id, rejection.code])).toEqual([[null, code]])
    expect([world.log.records, world.log.opsOf('quarantine')]).toEqual([[], []])
    expect(codes()).toEqual({ [code]: 1 })
  })

  test.each([
    ['a control character', 'd/a\u0007b'],
    ['too many levels', levels],
  ])('is turned away although the API has looked it up: %s', (_what, topic) => {
    expect(world.judge.catalogue.matchOf(topic).matches).toHaveLength(1)
    world.judge.judge(topic, Buffer.from('{"n":1}'))
    for (let times = 1; times <= 2; times++) {
      const answers = hand(topic, { n: 1 })
      world.log.commit()
      expect(answers).toEqual(['set-aside'])
    }
    expect(codes()).toEqual({ 'topic-invalid': 2 })
    expect(world.log.records).toEqual([])
  })

  test('waits for what was handed in before: answers keep the order of the calls, but for what is dropped at QoS 0', async () => {
    const order: string[] = []
    const note = (name: string) => (outcome: PublishOutcome) => void order.push(`${name} ${outcome}`)
    world.hand('d/1', { n: 1 }, {}, note('valid'))
    world.hand('$SYS/x', {}, {}, note('reserved'))
    world.hand('d/1', {}, {}, note('invalid'))
    world.full = true
    world.hand('d/1', { n: 1 }, { qos: 0 }, note('dropped'))
    await Promise.resolve()
    // It must not pile up in memory until there is room again.
    expect(order).toEqual(['dropped set-aside'])
    world.log.commit()
    expect(order.slice(1)).toEqual(['valid deliver', 'reserved set-aside', 'invalid set-aside'])
  })
})

describe('the order of the checks', () => {
  test('a log that takes nothing refuses before anything is looked at', () => {
    world.log.accepting = false
    for (const topic of ['$SYS/x', 'd/1', 'd/\u0000']) expect(hand(topic, {})).toEqual(['unavailable'])
    expect(world.counts).toMatchObject({ received: 3, unavailable: 3, rejected: 0 })
    expect(world.log.ops).toEqual([])
  })

  test('while the store is full QoS 0 is dropped, whatever it is, and QoS 1 goes on', async () => {
    world.full = true
    const answers = [hand('d/1', { n: 1 }, { qos: 0 }), hand('d/1', {}, { qos: 0 }), hand('$SYS/x', {}, { qos: 0 })]
    await Promise.resolve()
    expect(answers).toEqual([['set-aside'], ['set-aside'], ['set-aside']])
    expect(world.counts).toMatchObject({ received: 3, droppedWhileFull: 3, rejected: 0, stored: 0 })
    expect(world.log.records).toEqual([])
    hand('d/1', { n: 1 }, { qos: 1 })
    world.log.commit()
    expect(world.counts.stored).toBe(1)
  })

  test('the topic is looked at before a retained message is deleted', () => {
    hand('$SYS/x', '', { retain: true })
    hand('d/\u0001', '', { retain: true })
    world.log.commit()
    expect(world.log.opsOf('retain-delete')).toEqual([])
    expect(codes()).toEqual({ 'topic-reserved': 1, 'topic-invalid': 1 })
  })
})

describe('retained messages', () => {
  test('no bytes delete: not validated, not logged, delivered', () => {
    hand('d/1', { n: 1 }, { retain: true })
    const answers = hand('d/1', '', { retain: true })
    world.log.commit()
    expect(answers).toEqual(['deliver'])
    expect(world.log.opsOf('retain').map(({ row }) => [row.topic, row.payload.toString()])).toEqual([
      ['d/1', '{"n":1}'],
    ])
    expect(world.log.opsOf('retain-delete').map(({ topic }) => topic)).toEqual(['d/1'])
    expect(world.log.records).toHaveLength(1)
    expect(world.counts.rejected).toBe(0)
  })

  test('an invalid one is not retained; no bytes without the flag are a message like any other', () => {
    hand('d/1', {}, { retain: true })
    hand('d/1', '')
    world.log.commit()
    expect(world.log.opsOf('retain')).toEqual([])
    expect(world.log.opsOf('quarantine').map(({ row }) => row.code)).toEqual(['payload-invalid', 'payload-not-json'])
  })

  test('beyond their number a message is stored and delivered, but not retained', () => {
    for (let n = 1; n <= 11; n++) hand(`d/${n}`, { n }, { retain: true })
    world.log.commit()
    expect(world.log.opsOf('retain')).toHaveLength(10)
    expect(world.log.records).toHaveLength(11)
    expect(world.retained.refused).toBe(1)
  })
})

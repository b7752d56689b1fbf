import { describe, expect, test } from 'vitest'
import { check, targets, type Row } from './routing-table.ts'
import { publishes, RoutingWorld, v2 } from './routing-world.ts'

const NUMBER = { payload: { type: 'object', required: ['n'], properties: { n: { type: 'number' } } } }
const DATA = 'device/{id}/data'
const SERVERS = { site: { url: 'mqtt://site.example', protocol: 'mqtt' } }

/** One channel that takes a number, with this `x-bridge`. */
function bridged(bridge: object, more: object = {}): object {
  return v2({ [DATA]: publishes(NUMBER, { 'x-bridge': bridge }) }, more)
}

function forward(...topics: string[]): object {
  return { 'x-bridge': { forward: topics.map((topic) => ({ to: 'events', topic })) } }
}

/** `x-bridge` on everything that can have one, from `from` outwards. */
function nested(from: number): object {
  const at = (level: number, name: string): object => (level >= from ? forward(name) : {})
  return v2(
    {
      [DATA]: {
        publish: { message: { name: 'M', ...at(0, 'message') }, ...at(1, 'operation') },
        ...at(2, 'channel'),
      },
    },
    { servers: { site: { ...SERVERS.site, ...at(3, 'server') } }, ...at(4, 'document') },
  )
}

describe('where a message goes', () => {
  test.each<Row>([
    ...['message', 'operation', 'channel', 'server', 'document'].map((name, level): Row => [
      `the nearest forward wins: ${name}`,
      { documents: [nested(level)], routes: [{ from: '#', to: 'events', topic: 'route' }] },
      [['device/1/data', {}, `events:${name}#1`]],
    ]),
    [
      'x-bridge merges key by key',
      {
        documents: [
          v2(
            { [DATA]: publishes({ ...NUMBER, 'x-bridge': { onInvalid: 'pass' } }, forward('channel')) },
            { 'x-bridge': { onInvalid: 'quarantine', forward: [] } },
          ),
        ],
      },
      [
        ['device/1/data', { n: 1 }, 'events:channel#1'],
        ['device/1/data', {}, 'events:channel#1 pass'],
      ],
    ],
    [
      'else every route whose from matches',
      {
        documents: [v2({ [DATA]: publishes(), 'a/{x}': publishes() })],
        upstreams: ['events', 'other', 'bus'],
        routes: [
          { from: 'device/{id}/data', to: 'events', topic: 'one', key: 'fixed' },
          { from: 'device/#', to: 'bus', topic: 'all.{id}' },
          { from: 'device/7/+', to: 'other' },
          { from: 'a/b/c', to: 'other' },
        ],
      },
      [
        ['device/1/data', {}, 'events:one#fixed, bus:all.1#1'],
        ['device/7/data', {}, 'events:one#fixed, other:device.data#7, bus:all.7#7'],
        ['a/1', {}, 'events:a#1, other:a#1, bus:a#1'],
      ],
    ],
    [
      'a route matches by the topic where the address leaves it open',
      {
        documents: [v2({ '#': publishes() })],
        upstreams: ['events', 'other', 'bus'],
        routes: [
          { from: 'device/{id}/data', to: 'events', topic: 'device' },
          { from: 'line-{n}/+', to: 'other', topic: 'lines' },
        ],
      },
      [
        ['device/1/data', {}, 'events:device#'],
        ['line-4/x', {}, 'other:lines#'],
        ['line-/x', {}, 'events:line-.x#, other:line-.x#, bus:line-.x#'],
        ['device/1', {}, 'events:device.1#, other:device.1#, bus:device.1#'],
      ],
    ],
    [
      'the parameters that a route names are those of its from',
      {
        documents: [v2({ [DATA]: publishes() })],
        routes: [{ from: 'device/{deviceId}/{kind}', to: 'events', topic: '{kind}.{id}', key: '{deviceId}' }],
      },
      [['device/1/data', {}, 'events:data.1#1']],
    ],
    [
      'else every configured upstream',
      { documents: [v2({ [DATA]: publishes() })], upstreams: ['events', 'other'] },
      [['device/1/data', {}, 'events:device.data#1, other:device.data#1']],
    ],
    [
      'forward: [] is nowhere',
      { documents: [bridged({ forward: [] })], routes: [{ from: '#', to: 'events' }] },
      [['device/1/data', { n: 1 }, 'local']],
    ],
    [
      'other x-bridge keys change nothing of this',
      {
        documents: [bridged({ lane: 'alarm', ttl: '10m', durability: 'process', allow: { publish: ['x'] } })],
        routes: [{ from: '#', to: 'events', topic: 'route' }],
      },
      [['device/1/data', { n: 1 }, 'events:route#1']],
    ],
    [
      'what is meant for the embedded broker does not go up',
      { documents: [bridged({ forward: [{ to: 'broker' }] })] },
      [['device/1/data', { n: 1 }, 'local']],
    ],
  ])('%s', check)

  test('lane, ttl and durability are those of x-bridge', () => {
    const world = new RoutingWorld({ documents: [bridged({ lane: 'alarm', ttl: '10m', durability: 'process' })] })
    world.publish('device/1/data', { n: 1 })
    expect(world.log.opsOf('stream')[0]?.row).toMatchObject({ lane: 'alarm', destinations: ['events'] })
    const [stored] = world.log.records
    expect(stored?.durability).toBe('process')
    expect((stored?.record.expiresMs ?? 0) - (stored?.record.runningMs ?? 0)).toBe(600_000)
  })

  test('destinations and the version of the document are fixed when the message is accepted', () => {
    const world = new RoutingWorld({ documents: [v2({ [DATA]: publishes() })] })
    world.publish('device/1/data')
    const next = v2({ [DATA]: publishes() }, { info: { title: 'Doc', version: '2' } })
    world.change({
      documents: [next],
      upstreams: ['events', 'other'],
      routes: [{ from: '#', to: 'other', topic: 'new' }],
    })
    world.publish('device/1/data')
    const [before, after] = world.log.records.map((one) => world.sent(one))
    expect([targets(before ?? []), targets(after ?? [])]).toEqual(['events:device.data#1', 'other:new#1'])
    expect([before, after].map((sent) => sent?.[0])).toMatchObject([
      { headers: { document: 'Doc@1' } },
      { headers: { document: 'Doc@2' } },
    ])
  })
})

describe('onInvalid', () => {
  test.each<Row>([
    ['quarantine is the default', { documents: [bridged({})] }, [['device/1/data', {}, 'quarantine payload-invalid']]],
    [
      'tag forwards it with its errors',
      { documents: [bridged({ onInvalid: 'tag' })] },
      [['device/1/data', {}, 'events:device.data#1 tag']],
    ],
    [
      'pass forwards it without',
      { documents: [bridged({ onInvalid: 'pass' })] },
      [['device/1/data', {}, 'events:device.data#1 pass']],
    ],
    [
      'disconnect quarantines and closes the connection',
      { documents: [bridged({ onInvalid: 'disconnect' })] },
      [['device/1/data', {}, 'quarantine payload-invalid, disconnect']],
    ],
    [
      'a valid message has no mark',
      { documents: [bridged({ onInvalid: 'tag' })] },
      [['device/1/data', { n: 1 }, 'events:device.data#1']],
    ],
    [
      'it may stand on the message that the invalid one comes nearest to, as its forward may',
      {
        documents: [
          v2({
            [DATA]: publishes({
              ...NUMBER,
              'x-bridge': { onInvalid: 'pass', forward: [{ to: 'events', topic: 'm' }] },
            }),
          }),
        ],
      },
      [['device/1/data', {}, 'events:m#1 pass']],
    ],
    [
      'it holds for a parameter that does not fit',
      {
        documents: [
          v2({
            'd/{id}': publishes(
              {},
              { parameters: { id: { schema: { enum: ['a'] } } }, 'x-bridge': { onInvalid: 'tag' } },
            ),
          }),
        ],
      },
      [['d/b', {}, 'events:d#b tag']],
    ],
  ])('%s', check)

  test('what goes on although it is invalid carries valid: false, and no message', () => {
    const world = new RoutingWorld({ documents: [bridged({ onInvalid: 'tag' })] })
    const { sent } = world.publish('device/1/data', { n: 'x' })
    const headers = sent[0] !== undefined && 'headers' in sent[0] ? sent[0].headers : {}
    expect(headers).toMatchObject({ valid: 'false', document: 'Doc@1' })
    expect(headers).not.toHaveProperty('message')
    expect(JSON.parse(headers['errors'] ?? '')).toEqual([expect.objectContaining({ pointer: '/n', keyword: 'type' })])
  })
})

describe('several documents that describe one topic', () => {
  const doc = (title: string, channels: object): object => v2(channels, { info: { title, version: '1' } })
  test.each<Row>([
    [
      'the message is judged by each',
      { documents: [doc('A', { [DATA]: publishes() }), doc('B', { [DATA]: publishes(NUMBER) })] },
      [
        ['device/1/data', { n: 1 }, 'events:device.data#1'],
        ['device/1/data', {}, 'quarantine payload-invalid'],
      ],
    ],
    [
      'it goes wherever one of them sends it, once, whatever they call its parameters',
      {
        documents: [
          doc('A', { [DATA]: publishes() }),
          doc('B', { 'device/{deviceId}/data': publishes() }),
          doc('C', { 'device/{deviceId}/{kind}': publishes({}, forward('{kind}.{deviceId}')) }),
          doc('D', { '{what}/{device}/{name}': publishes({}, forward('{name}.{device}')) }),
        ],
      },
      [['device/1/data', {}, 'events:device.data#1, events:data.1#data']],
    ],
    [
      'it is marked where one of them finds it invalid',
      {
        documents: [
          doc('A', { [DATA]: publishes() }),
          doc('B', { [DATA]: publishes(NUMBER, { 'x-bridge': { onInvalid: 'tag' } }) }),
        ],
      },
      [
        ['device/1/data', {}, 'events:device.data#1 tag'],
        ['device/1/data', { n: 1 }, 'events:device.data#1'],
      ],
    ],
    [
      'it is forwarded where one of them receives it',
      {
        documents: [
          doc('A', { [DATA]: { subscribe: { message: { name: 'M' } } } }),
          doc('B', { [DATA]: publishes(NUMBER) }),
        ],
      },
      [['device/1/data', { n: 1 }, 'events:device.data#1']],
    ],
  ])('%s', check)

  test('it is wanted for as long as one of them wants it', () => {
    const ttl = (title: string, text: string): object =>
      doc(title, { [DATA]: publishes({}, { 'x-bridge': { ttl: text } }) })
    const expiry = (...documents: object[]): number => {
      const world = new RoutingWorld({ documents })
      world.publish('device/1/data')
      return world.log.records[0]?.record.expiresMs ?? -1
    }
    expect(expiry(ttl('A', '1s'), ttl('B', '10s'))).toBe(10_000)
    expect(expiry(ttl('A', '1s'), doc('B', { [DATA]: publishes() }))).toBe(0)
  })
})

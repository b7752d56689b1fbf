import { describe, expect, test } from 'vitest'
import { check, targets, type Row } from './routing-table.ts'
import { publishes, RoutingWorld, v2 } from './routing-world.ts'

function plain(...addresses: string[]): object {
  return v2(Object.fromEntries(addresses.map((address) => [address, publishes()])))
}

const NUMBER = { payload: { type: 'object', required: ['n'], properties: { n: { type: 'number' } } } }
const DATA = 'device/{id}/data'
const SENDS = { subscribe: { message: { name: 'M', ...NUMBER } } }

describe('matching', () => {
  test.each<Row>([
    [
      'an address parameter matches within one topic level',
      { documents: [plain(DATA)] },
      [
        ['device/1/data', {}, 'events:device.data#1'],
        ['device/1/2/data', {}, 'local'],
        ['device//data', {}, 'local'],
      ],
    ],
    [
      'the match is anchored',
      { documents: [plain('a/{id}')] },
      [
        ['a/1', {}, 'events:a#1'],
        ['a/1/b', {}, 'local'],
        ['x/a/1', {}, 'local'],
        ['/a/1', {}, 'local'],
      ],
    ],
    [
      'the most specific channel wins',
      { documents: [plain('#', 's/+', 's/{id}', 's/x-{id}', 's/x-1')] },
      [
        ['s/x-1', {}, 'events:s.x-1#'],
        ['s/x-2', {}, 'events:s#2'],
        ['s/2', {}, 'events:s#2'],
        ['t', {}, 'events:t#'],
      ],
    ],
    [
      'parameter enums and schemas are checked',
      {
        documents: [
          v2({
            'd/{id}': publishes({}, { parameters: { id: { schema: { enum: ['a', 'b'] } } } }),
            'n/{id}': publishes({}, { parameters: { id: { schema: { type: 'integer' } } } }),
          }),
        ],
      },
      [
        ['d/a', {}, 'events:d#a'],
        ['d/c', {}, 'quarantine parameter-invalid'],
        ['n/7', {}, 'events:n#7'],
        ['n/x', {}, 'quarantine parameter-invalid'],
      ],
    ],
    [
      'a {name} in an address is a parameter even if undeclared',
      { documents: [plain('d/{who}')] },
      [['d/7', {}, 'events:d#7']],
    ],
    [
      'location: topic and payload must name the same device; a field that is absent passes',
      { documents: [v2({ 'd/{id}': publishes({}, { parameters: { id: { location: '$message.payload#/id' } } }) })] },
      [
        ['d/7', { id: '7' }, 'events:d#7'],
        ['d/7', { id: 7 }, 'events:d#7'],
        ['d/7', { id: '8' }, 'quarantine parameter-mismatch'],
        ['d/7', { other: 1 }, 'events:d#7'],
      ],
    ],
    [
      'several messages on a channel: a message is valid if its payload fits one of them',
      {
        documents: [
          v2({
            a: {
              publish: {
                message: {
                  oneOf: [
                    { name: 'N', ...NUMBER },
                    { name: 'T', payload: { type: 'string' } },
                  ],
                },
              },
            },
          }),
        ],
      },
      [
        ['a', { n: 1 }, 'events:a#'],
        ['a', '"t"', 'events:a#'],
        ['a', 'true', 'quarantine payload-invalid'],
      ],
    ],
    [
      'headers count where the transport carries them',
      { documents: [v2({ a: publishes({ headers: { type: 'object', required: ['h'] } }) })] },
      [
        ['a', {}, 'events:a#'],
        ['a', {}, 'events:a#', { headers: { h: '1' } }],
        ['a', {}, 'quarantine payload-invalid', { headers: { x: '1' } }],
      ],
    ],
    [
      'of several channels with one address, the message decides',
      {
        documents: [
          v2({
            'd/{id}': publishes(NUMBER, { 'x-bridge': { forward: [{ to: 'events', topic: 'numbers' }] } }),
            'd/{name}': publishes(
              { payload: { type: 'string' } },
              { 'x-bridge': { forward: [{ to: 'events', topic: 'texts' }] } },
            ),
          }),
        ],
      },
      [
        ['d/1', { n: 1 }, 'events:numbers#1'],
        ['d/1', '"t"', 'events:texts#1'],
        ['d/1', 'true', 'quarantine payload-invalid'],
      ],
    ],
  ])('%s', check)

  test.each<Row>([
    ['local', { documents: [], unmatched: 'local' }, [['a/b', 'x', 'local']]],
    ['quarantine', { documents: [], unmatched: 'quarantine' }, [['a/b', 'x', 'quarantine topic-unmatched']]],
    [
      'pass, to every upstream',
      { documents: [], unmatched: 'pass', upstreams: ['events', 'other'] },
      [['a/b', 'x', 'events:a.b#, other:a.b#']],
    ],
    [
      'pass, by the routes whose from matches where there are any',
      {
        documents: [],
        unmatched: 'pass',
        upstreams: ['events', 'other'],
        routes: [{ from: 'old/{id}/#', to: 'other', topic: 'old', key: '{id}' }],
      },
      [
        ['old/7/x', 'x', 'other:old#7'],
        ['old/8/x', 'x', 'other:old#8'],
        ['a/b', 'x', 'events:a.b#, other:a.b#'],
      ],
    ],
    [
      'pass, but a topic whose parameter does not fit is described, and wrong',
      {
        documents: [v2({ 'd/{id}': publishes({}, { parameters: { id: { schema: { enum: ['a'] } } } }) })],
        unmatched: 'pass',
      },
      [['d/b', 'x', 'quarantine parameter-invalid']],
    ],
  ])('a topic that no document describes, unmatched: %s', check)
})

describe('direction', () => {
  const v3 = (action: string): object => ({
    asyncapi: '3.0.0',
    info: { title: 'Doc', version: '1' },
    channels: { data: { address: DATA, messages: { M: NUMBER } } },
    operations: { run: { action, channel: { $ref: '#/channels/data' } } },
  })
  test.each<Row>([
    [
      '2.x publish is what devices publish',
      { documents: [v2({ [DATA]: publishes() })] },
      [['device/1/data', {}, 'events:device.data#1']],
    ],
    [
      '3.x receive is what devices publish',
      { documents: [v3('receive')] },
      [['device/1/data', { n: 1 }, 'events:device.data#1']],
    ],
    [
      '2.x subscribe is never forwarded',
      { documents: [v2({ [DATA]: SENDS })] },
      [['device/1/data', { n: 1 }, 'local']],
    ],
    ['3.x send is never forwarded', { documents: [v3('send')] }, [['device/1/data', { n: 1 }, 'local']]],
    [
      'a channel without operations counts as receivable',
      { documents: [v2({ [DATA]: {} })] },
      [['device/1/data', 'anything', 'events:device.data#1']],
    ],
    [
      'perspective: device turns this round',
      {
        documents: [
          v2({ [DATA]: SENDS, 'device/{id}/commands': publishes() }, { 'x-bridge': { perspective: 'device' } }),
        ],
      },
      [
        ['device/1/data', { n: 1 }, 'events:device.data#1'],
        ['device/1/commands', {}, 'local'],
      ],
    ],
    [
      'a message on a send-only channel is checked',
      { documents: [v2({ [DATA]: SENDS })] },
      [['device/1/data', { n: 'x' }, 'quarantine payload-invalid']],
    ],
    [
      'a send-only channel is not forwarded by its forward or a route either',
      {
        documents: [v2({ [DATA]: { ...SENDS, 'x-bridge': { forward: [{ to: 'events' }] } } })],
        routes: [{ from: '#', to: 'events' }],
      },
      [['device/1/data', { n: 1 }, 'local']],
    ],
    [
      'where channels share an address, what a device publishes is what we receive',
      { documents: [v2({ 'd/{id}': SENDS, 'd/{name}': publishes(NUMBER) })] },
      [['d/1', { n: 1 }, 'events:d#1']],
    ],
    [
      'x-bridge of an operation holds for messages that go its way',
      {
        documents: [
          v2({
            [DATA]: {
              publish: { message: { name: 'M', ...NUMBER } },
              subscribe: { message: { name: 'M', ...NUMBER }, 'x-bridge': { forward: [], onInvalid: 'pass' } },
            },
          }),
        ],
      },
      [
        ['device/1/data', { n: 1 }, 'events:device.data#1'],
        ['device/1/data', {}, 'quarantine payload-invalid'],
      ],
    ],
  ])('%s', check)

  test('only a device is counted as wrong-direction', async () => {
    const world = new RoutingWorld({ documents: [v2({ [DATA]: SENDS })] })
    expect(targets(await world.publishOn(DATA, { id: '1', n: 1 }))).toBe('local')
    expect(world.counts.wrongDirection).toBe(0)
    world.publish('device/1/data', { n: 1 })
    world.publish('device/1/data', { n: 2 })
    expect(world.counts.wrongDirection).toBe(2)
  })
})

describe('a channel whose servers are all upstreams', () => {
  const servers = {
    site: { url: 'mqtt://site.example', protocol: 'mqtt' },
    bus: { url: 'kafka://bus.example', protocol: 'kafka', 'x-bridge': { role: 'upstream' } },
    events: { url: 'kafka://events.example', protocol: 'kafka' },
  }
  const document = v2(
    {
      [DATA]: publishes({}, { servers: ['site'] }),
      [`both/${DATA}`]: publishes({}, { servers: ['site', 'bus'] }),
      'bus/{id}': publishes(NUMBER, { servers: ['bus'] }),
      'events/{id}': publishes({}, { servers: ['events'] }),
      'commands/{id}': {
        publish: { message: { name: 'Answer', payload: { type: 'string' } } },
        subscribe: { message: { name: 'Command', ...NUMBER } },
        servers: ['bus'],
      },
    },
    { servers },
  )
  const setup = { documents: [document], upstreams: ['events', 'other', 'bus'] }

  test.each<Row>([
    [
      'never matches what devices publish, by role or by a name that upstreams has',
      setup,
      [
        ['bus/1', { n: 1 }, 'local'],
        ['events/1', {}, 'local'],
        ['device/1/data', {}, 'events:device.data#1, other:device.data#1, bus:device.data#1'],
        ['both/device/1/data', {}, 'events:both.device.data#1, other:both.device.data#1, bus:both.device.data#1'],
      ],
    ],
  ])('%s', check)

  test('publishing to it through the API goes to those upstreams alone', async () => {
    const world = new RoutingWorld({ ...setup, routes: [{ from: '#', to: 'other' }] })
    expect(targets(await world.publishOn('bus/{id}', { id: '1', n: 1 }))).toBe('bus:bus#1')
    expect(targets(await world.publishOn('events/{id}', { id: '1' }))).toBe('events:events#1')
    await expect(world.publishOn('bus/{id}', { id: '1', n: 'x' })).rejects.toMatchObject({ code: 'payload-invalid' })
  })

  test('what the API publishes there is what we send, where it also receives', async () => {
    const world = new RoutingWorld(setup)
    expect(targets(await world.publishOn('commands/{id}', { id: '1', n: 1 }))).toBe('bus:commands#1')
  })
})

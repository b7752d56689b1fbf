import { describe, expect, test } from 'vitest'
import { compileTemplate } from '../../daemon/asyncapi/matching/template.ts'
import { check, targets, type Row } from './routing-table.ts'
import { contractOf, forwarding, publishes, RoutingWorld, sentOf, v2, type From } from './routing-world.ts'

const DATA = 'device/{id}/data'

function named(address: string, topic?: string): object {
  return v2({ [address]: publishes({}, topic === undefined ? {} : { bindings: { kafka: { topic } } }) })
}

describe('a plain document works', () => {
  test.each<Row>([
    [
      'the topic is the kafka binding’s',
      { documents: [named(DATA, 'readings')] },
      [['device/1/data', {}, 'events:readings#1']],
    ],
    [
      'else the address with / → . and without its parameters',
      { documents: [v2({ [DATA]: publishes(), 'a/{b}/c/{d}/e': publishes() })] },
      [
        ['device/1/data', {}, 'events:device.data#1'],
        ['a/1/c/2/e', {}, 'events:a.c.e#2'],
      ],
    ],
    [
      'nothing of the address is left: the topic with dots',
      { documents: [v2({ '{site}/{id}': publishes() })] },
      [['north/7', {}, 'events:north.7#7']],
    ],
    [
      'the key is the last address parameter',
      { documents: [v2({ '{a}/x-{b}-y/z': publishes() })] },
      [['1/x-2-y/z', {}, 'events:z#2']],
    ],
    [
      'the key is the last address parameter, whatever it is called',
      { documents: [v2({ 'd/{device id}': publishes() })] },
      [['d/7', {}, 'events:d#7']],
    ],
    [
      'what Kafka does not allow in a name becomes _',
      {
        documents: [
          named('straße/{id}'),
          v2({ 'bound/{id}': publishes({}, { bindings: { kafka: { topic: 'our topic/1}' } } }) }),
          v2({ '{site}/{id}': publishes() }),
        ],
        unmatched: 'pass',
      },
      [
        ['straße/1', {}, 'events:stra_e#1, events:stra_e.1#1'],
        ['bound/1', {}, 'events:our_topic_1_#1, events:bound.1#1'],
        ['süd 1/ä', {}, 'events:s_d_1._#ä'],
        ['un/matched one', {}, 'events:un.matched_one#matched one'],
        ['x/y/z ß', {}, 'events:x.y.z__#'],
      ],
    ],
  ])('%s', check)

  test('two channels with one Kafka name, or a name of which nothing is left: a diagnostic', () => {
    const document = v2({ 'a/{x}': publishes(), a: publishes(), '{x}': publishes(), b: publishes() })
    const told = contractOf(document).diagnostics.filter(({ message }) => message.includes('Kafka'))
    expect(told.map(({ pointer, line }) => [pointer, line])).toEqual([
      ['/channels/a', 1],
      ['/channels/{x}', 1],
    ])
  })
})

describe('order key', () => {
  test.each<[string, document: object, from: From, key: string | null, orderKey: string]>([
    ['the rendered key', named(DATA), {}, '1', '1'],
    ['else the MQTT client id', named('data'), { clientId: 'thermo' }, null, 'thermo'],
    ['else the name of the sensor', named('data'), { clientId: 'boiler', origin: 'sensor' }, null, 'boiler'],
    ['else the API identity', named('data'), { clientId: 'alice', origin: 'api' }, null, 'alice'],
    ['a configured key', forwarding({ key: 'x' }), { clientId: 'thermo' }, 'x', 'x'],
  ])('is %s; the record’s key stays null where none is configured', (_name, document, from, key, orderKey) => {
    const topic = 'channels' in document && JSON.stringify(document.channels).includes(DATA) ? 'device/1/data' : 'data'
    expect(sentOf(document, topic, {}, from)).toMatchObject({ key, orderKey })
  })
})

describe('templates', () => {
  const target = { topic: 'x', key: 'k' }
  test.each<[what: string, target: object, payload: unknown, fate: string]>([
    ['{param}', { topic: 't.{id}', key: '{id}' }, {}, 'events:t.1#1'],
    [
      'an expression in braces',
      { key: '{$message.payload#/sensor/id}' },
      { sensor: { id: 7 } },
      'events:device.data#7',
    ],
    ['one expression alone without them', { key: '$message.payload#/on' }, { on: true }, 'events:device.data#true'],
    ['several in one text', { key: '{id}-{$message.payload#/n}' }, { n: 2 }, 'events:device.data#1-2'],
    ['text around a value may hold slashes', { topic: 'site/{id}/data' }, {}, 'events:site/1/data#1'],
    ['a constant may hold what it likes', { topic: 'a/b', key: 'x#y' }, {}, 'events:a/b#x#y'],
    ['a value that is missing is refused', { ...target, key: '{$message.payload#/none}' }, {}, 'events render-failed'],
    ['a value that is empty is refused', { key: '{$message.payload#/e}' }, { e: '' }, 'events render-failed'],
    ['so is one inside a text', { key: 'k-{$message.payload#/e}' }, { e: '' }, 'events render-failed'],
    ['a value with / is refused', { key: '{$message.payload#/v}' }, { v: 'a/b' }, 'events render-failed'],
    ['a value with + is refused', { topic: '{$message.payload#/v}' }, { v: '+' }, 'events render-failed'],
    ['a value with # is refused', { topic: 't.{$message.payload#/v}' }, { v: '#' }, 'events render-failed'],
    ['a value with controls is refused', { key: '{$message.payload#/v}' }, { v: 'a\nb' }, 'events render-failed'],
    ['an object is no value', { key: '{$message.payload#/v}' }, { v: {} }, 'events render-failed'],
    ['a payload that is not JSON has none', { key: '{$message.payload#/v}' }, 'text', 'events render-failed'],
  ])('%s', (what, forward, payload, fate) =>
    check(what, { documents: [forwarding(forward)] }, [['device/1/data', payload, fate]]),
  )

  test('a header of the device is an expression too', () => {
    const document = forwarding({ key: '{$message.header#/zone}' })
    const world = new RoutingWorld({ documents: [document] })
    expect(targets(world.publish('device/1/data', {}, { headers: { zone: 'b' } }).sent)).toBe('events:device.data#b')
    expect(targets(world.publish('device/1/data', {}).sent)).toBe('events render-failed')
  })

  test('a refused value is refused for that destination alone', () => {
    const forward = [{ to: 'events', key: '{$message.payload#/v}' }, { to: 'other' }]
    const document = v2({ [DATA]: publishes({}, { 'x-bridge': { forward } }) })
    const world = new RoutingWorld({ documents: [document], upstreams: ['events', 'other'] })
    expect(targets(world.publish('device/1/data', {}).sent)).toBe('events render-failed, other:device.data#1')
  })

  test('a template that cannot be read refuses the document, at its place', () => {
    expect(() => contractOf(forwarding({ key: '{id' }))).toThrow(/a \{ without its \}/)
    expect(() => compileTemplate('{$message.body#/x}')).toThrow(/no runtime expression/)
  })
})

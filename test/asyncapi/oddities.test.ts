import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkDocument } from '../../daemon/asyncapi/check-document.ts'
import type { Contract } from '../../daemon/asyncapi/contract.ts'
import { renderAddress } from '../../daemon/asyncapi/render-address.ts'
import { judgeMessage } from './judge-message.ts'

/** One document for each oddity of documents that are published. */
const FOLDER = new URL('./documents/oddities/', import.meta.url)

interface Oddity {
  /** What strict mode says; nothing where it takes the document. */
  strict?: string
  /** What lenient mode lists beside that. */
  told?: string[]
  /** Topic, payload, and the message that it is. */
  good?: [topic: string, payload: string, message: string][]
  bad?: [topic: string, payload: string, why: string][]
}

const INVALID = 'payload-invalid'

const ODDITIES: Record<string, Oddity> = {
  'parameter-inside-level': {
    good: [['plant-north/line7-temp/c', '21.5', 'Temperature']],
    bad: [
      ['plant-north/line7-temp/c', '"warm"', INVALID],
      ['plant-west/line7-temp/c', '21.5', 'parameter-invalid'],
      ['plant-north/lineA-temp/c', '21.5', 'parameter-invalid'],
      ['plant-north/line-temp/c', '21.5', 'no channel'],
    ],
  },
  'address-null': {
    told: ['The channel reply has no address', 'The channel unknown has no address'],
    good: [['requests', '{"replyTo":"a"}', 'Request']],
    bad: [
      ['requests', '{}', INVALID],
      ['reply', '"a"', 'no channel'],
      ['unknown', '"a"', 'no channel'],
      ['null', '"a"', 'no channel'],
    ],
  },
  'filter-address': {
    strict: 'should not include query ("?") or fragment ("#") delimiter',
    good: [
      ['devices/a/data', '{"value":1}', 'Data'],
      ['devices/a/log/b/c', 'fine', 'Log'],
    ],
    bad: [
      ['devices/a/data', '{}', INVALID],
      ['devices/a/log', 'too long', INVALID],
      ['devices/a/b/data', '{"value":1}', 'no channel'],
    ],
  },
  'shared-address': {
    told: ['the message decides which channel it is'],
    good: [
      ['feed', '{"kind":"ticker","price":1}', 'Ticker'],
      ['feed', '{"kind":"status","up":true}', 'Status'],
    ],
    bad: [['feed', '{"kind":"gossip"}', `${INVALID},${INVALID}`]],
  },
  'example-of-a-file': {
    strict: 'The reference "./examples/a.json" leaves the document.',
    told: ['The reference "./examples/b.json" leaves the document.'],
    good: [['a', '{"n":1}', 'A']],
    bad: [['a', '{"n":"one"}', INVALID]],
  },
  'examples-of-four-shapes': { strict: 'must have required property', good: [['a', '{"n":1}', 'A']] },
  nullable: {
    good: [['a', '{"note":null,"state":null,"part":{"id":1}}', 'A']],
    bad: [
      ['a', '{"strict":null}', INVALID],
      ['a', '{"state":"maybe"}', INVALID],
      ['a', '{"part":{}}', INVALID],
    ],
  },
  'unknown-formats': {
    told: ['uint32', 'long', 'decimal', 'iso8601'].map((name) => `unknown format "${name}": not checked`),
    good: [['a', '{"count":-1,"total":9007199254740993,"price":0.1,"at":"today"}', 'A']],
    bad: [
      ['a', '{"count":"1"}', INVALID],
      ['a', '{"id":"none"}', INVALID],
    ],
  },
  'loose-schemas': {
    strict: 'must have required property',
    told: ['required as a boolean is of JSON Schema draft 3'],
    good: [
      [
        'a',
        '{"kind":"a","missing":[],"maybe":null,"size":"abc","pair":[1,"x"],"limit":6,"nothing":{},"named":"n"}',
        'A',
      ],
    ],
    bad: [
      ['a', '{"kind":"a"}', INVALID],
      ['a', '{"kind":"c","missing":1}', INVALID],
      ['a', '{"kind":"a","missing":1,"maybe":5}', INVALID],
      ['a', '{"kind":"a","missing":1,"size":-1}', INVALID],
      ['a', '{"kind":"a","missing":1,"size":"long"}', INVALID],
      ['a', '{"kind":"a","missing":1,"pair":["x"]}', INVALID],
      ['a', '{"kind":"a","missing":1,"limit":5}', INVALID],
      ['a', '{"kind":"a","missing":1,"inside":{"x":1}}', INVALID],
    ],
  },
  patterns: {
    good: [['a', '{"name":"a-b.c","mail":"a_b.c@d-e","path":"/a-b:c","brace":"{12}","slash":"2024/01"}', 'A']],
    bad: [
      ['a', '{"name":"a b"}', INVALID],
      ['a', '{"mail":"a@"}', INVALID],
      ['a', '{"path":"a-b:c"}', INVALID],
      ['a', '{"brace":"12"}', INVALID],
      ['a', '{"slash":"2024-01"}', INVALID],
    ],
  },
  circular: {
    good: [
      ['tree', '{"id":"a","children":[{"id":"b","children":[]}]}', 'Tree'],
      ['pair', '{"right":{"n":1,"left":{"right":{"n":2}}}}', 'Pair'],
    ],
    bad: [
      ['tree', '{"id":"a","children":[{"id":"b","children":[{}]}]}', INVALID],
      ['pair', '{"right":{"n":1,"left":{"right":{}}}}', INVALID],
      ['pair', '{"right":{"n":1,"left":{"wrong":1}}}', INVALID],
    ],
  },
  'multi-format': {
    good: [
      ['json', '{"part":{"id":1}}', 'Json'],
      ['named', '{"id":1}', 'Named'],
      ['openapi', 'null', 'OpenApi'],
      ['avro', '{"n":1}', 'Avro'],
      ['wrapped', '1', 'Wrapped'],
    ],
    bad: [
      ['json', '{"part":{}}', INVALID],
      ['named', '{}', INVALID],
      ['openapi', '1', INVALID],
      ['avro', '{"n":"x"}', INVALID],
      ['wrapped', '1.5', INVALID],
    ],
  },
  'host-with-scheme': { good: [['a', '1', 'A']], bad: [['a', '"1"', INVALID]] },
  'url-without-scheme': { told: ['The server rooted names no host.'], good: [['a', '1', 'A']] },
  'server-pathname': { good: [['e2m/x', '1', 'A']], bad: [['e2m/x', 'null', INVALID]] },
  'server-variables': {
    strict: 'redundant defined "left" url variable',
    told: ['The server variable host has no default.'],
    good: [['a', '1', 'A']],
  },
  protocols: { good: [['a', '1', 'A']] },
  'perspective-application': { good: [['readings', '1', 'Reading']], bad: [['readings', '"1"', INVALID]] },
  'perspective-device': { good: [['readings', '1', 'Reading']], bad: [['readings', '"1"', INVALID]] },
  'operation-names-component': {
    strict: 'Operation message does not belong to the specified channel',
    good: [
      ['a', '1', 'first'],
      ['a', '"1"', 'second'],
    ],
    bad: [['a', 'null', `${INVALID}`]],
  },
  'operation-without-messages': {
    good: [
      ['all', '1', 'One'],
      ['all', '"1"', 'Two'],
      ['none', '1', 'One'],
    ],
    bad: [
      ['all', 'null', INVALID],
      ['none', '"1"', INVALID],
    ],
  },
  'unused-parameters': {
    strict: 'redundant defined "tenant" parameter',
    told: ['The parameter tenant does not stand in the address.', 'The parameter page does not stand in the address.'],
    good: [['a/7', '1', 'A']],
    bad: [['a/x', '1', 'parameter-invalid']],
  },
  'undeclared-parameters': {
    strict: 'Missed: id',
    good: [['a/anything/x', '1', 'A']],
    bad: [
      ['a/anything/z', '1', 'parameter-invalid'],
      ['a//x', '1', 'no channel'],
    ],
  },
  'leading-slashes': {
    good: [
      ['/a/7', '1', 'Slashed'],
      ['a/7', '"1"', 'Plain'],
      ['/', 'true', 'Root'],
    ],
    bad: [
      ['/a/7', '"1"', INVALID],
      ['a/7', '1', INVALID],
      ['//a/7', '1', 'no channel'],
    ],
  },
  'boolean-payload': {
    strict: '"payload" property type must be object',
    good: [
      ['any', '[1]', 'Any'],
      ['inside', '{"any":1}', 'Inside'],
    ],
    bad: [
      ['any', 'no JSON', 'payload-not-json'],
      ['none', '1', INVALID],
      ['inside', '{"none":1}', INVALID],
    ],
  },
  'boolean-payload-2': { good: [['any', '[1]', 'Any']], bad: [['none', '1', INVALID]] },
  'schema-ids': {
    good: [
      ['a', '{"part":{"n":1}}', 'A'],
      ['b', '{"id":1}', 'B'],
    ],
    bad: [
      ['a', '{"part":{}}', INVALID],
      ['b', '{"id":"1"}', INVALID],
    ],
  },
  'traits-2': { good: [['a', '1', 'A']], bad: [['a', '"1"', INVALID]] },
  'traits-3': { good: [['a', '1', 'A']], bad: [['a', 'one', 'payload-not-json']] },
  'empty-places': {
    strict: 'could not read this document to its end',
    good: [
      ['a', 'anything', ''],
      ['c', 'anything', ''],
      ['d', '1', 'D'],
    ],
  },
  'beside-a-reference': { good: [['a', '{"n":5}', 'A']], bad: [['a', '{"n":"5"}', INVALID]] },
  'slash-in-a-key': {
    strict: "'#/components/messages/pkg/v1.audio' does not exist",
    good: [
      ['speak', '1', 'audio'],
      ['speak', '"1"', 'text'],
    ],
    bad: [['speak', 'null', INVALID]],
  },
  'leads-nowhere': {
    strict: 'The reference "#/components/parameters/Gone" leads nowhere.',
    told: [
      'A schema is expected at #/components/schemas/Gone. The payload is not checked.',
      'The operation lost names no',
    ],
    good: [
      ['a/x', '1', 'Known'],
      ['a/x', '"1"', 'Gone'],
      ['b', 'anything', 'Half'],
    ],
  },
  'wrong-bindings': { good: [['a', '1', 'A']], bad: [['a', '"1"', INVALID]] },
}

function textOf(name: string): string {
  return readFileSync(new URL(`${name}.yaml`, FOLDER), 'utf8')
}

const loaded = new Map<string, Promise<Contract>>()

function load(name: string): Promise<Contract> {
  const contract = loaded.get(name) ?? checkDocument({ text: textOf(name), mode: 'lenient' })
  loaded.set(name, contract)
  return contract
}

test('every document of the folder has its cases', () => {
  const names = Object.keys(ODDITIES).map((name) => `${name}.yaml`)
  expect(readdirSync(FOLDER).sort()).toEqual(names.sort())
})

describe.each(Object.entries(ODDITIES))('%s', (name, { strict, told = [], good = [], bad = [] }) => {
  test(strict === undefined ? 'both modes take it' : 'strict mode refuses it, lenient mode lists why', async () => {
    const { diagnostics } = await load(name)
    const messages = diagnostics.map(({ message }) => message)
    for (const one of [...told, ...(strict === undefined ? [] : [strict])]) {
      expect(messages).toContainEqual(expect.stringContaining(one))
    }
    const checked = checkDocument({ text: textOf(name), mode: 'strict' })
    if (strict === undefined) await expect(checked).resolves.toBeDefined()
    else {
      await expect(checked).rejects.toMatchObject({
        message: expect.stringContaining(strict),
        hint: expect.stringContaining('mode: lenient would take it'),
      })
    }
  })

  if (good.length > 0) {
    test.each(good)('takes on %s %s as %s', async (topic, payload, message) => {
      expect(judgeMessage(await load(name), topic, payload)).toBe(message)
    })
  }
  if (bad.length > 0) {
    test.each(bad)('refuses on %s %s: %s', async (topic, payload, why) => {
      expect(judgeMessage(await load(name), topic, payload)).toBe(why)
    })
  }
})

test('of examples only those that stand in other files are left out, and their message keeps its schema', async () => {
  const [channel] = (await load('example-of-a-file')).channels
  expect(channel?.messages[0]?.examples).toEqual([{ payload: { n: 1 } }])
})

test.each([
  [
    'a schema',
    'The reference "./a.json" leaves the document.',
    'examples:\n          - {}\n        payload: { $ref: ./a.json }',
  ],
  [
    'a property that is called examples',
    'The reference "./a.json" leaves the document.',
    'payload: { properties: { examples: { $ref: ./a.json } } }',
  ],
  [
    'more examples than are told of',
    'The reference "./0.json" leaves the document. (and 99 more)',
    `examples:\n${Array.from({ length: 120 }, (_, n) => `          - { $ref: ./${n}.json }`).join('\n')}`,
  ],
])('%s in another file refuses the document in one sentence', async (_name, told, message) => {
  const text = `asyncapi: 2.3.0\ninfo: { title: T, version: 1.0.0 }\nchannels:\n  a:\n    publish:\n      message:\n        ${message}\n`
  for (const mode of ['strict', 'lenient'] as const) {
    await expect(checkDocument({ text, mode })).rejects.toMatchObject({
      code: 'document-reference',
      message: told,
      hint: expect.stringContaining('bundle the document first'),
    })
  }
})

test('nobody publishes to an address that is a filter, or to a channel without one', async () => {
  const [data, log] = (await load('filter-address')).channels
  const [reply] = (await load('address-null')).channels
  for (const channel of [data, log, reply]) {
    if (channel === undefined) throw new Error('the channel is missing')
    expect(() => renderAddress(channel, {}, {})).toThrow(expect.objectContaining({ code: 'channel-unaddressed' }))
  }
})

test('examples of all four shapes are read', async () => {
  const [channel] = (await load('examples-of-four-shapes')).channels
  expect(channel?.messages[0]?.examples.map(({ payload }) => payload)).toEqual([
    ...[1, 2, 3, 4].map((n) => ({ n })),
    { n: 'five' },
    'just a text',
  ])
})

test('servers are what their hosts and urls say, however they say it', async () => {
  const serversOf = async (name: string): Promise<Record<string, [string, boolean, string]>> =>
    Object.fromEntries(
      (await load(name)).servers.map((server) => [server.name, [server.protocol, server.secure, server.url]]),
    )
  expect(await serversOf('host-with-scheme')).toEqual({
    local: ['mqtt', false, 'mqtt://localhost:1883/m2m'],
    safe: ['mqtt', true, 'mqtts://broker.example:8883'],
    stream: ['kafka', true, 'kafka-secure://k.example:9093'],
    web: ['ws', true, 'wss://ws.example/v2'],
  })
  expect(await serversOf('url-without-scheme')).toEqual({
    broker: ['mqtt', false, 'mqtt://broker.example:1883'],
    bare: ['kafka', true, 'kafka-secure://localhost'],
    web: ['ws', true, 'wss://ws.example.com/v2'],
    rooted: ['ws', false, 'ws:///socket'],
  })
  expect(await serversOf('server-pathname')).toEqual({
    module: ['mqtt', false, 'mqtt://localhost:1883/api/m1'],
    rabbit: ['amqp', false, 'amqp://rabbit:5672/production'],
  })
  expect(await serversOf('server-variables')).toEqual({
    plant: ['mqtt', false, 'mqtt://north.example:1884'],
    open: ['mqtt', false, 'mqtt://{host}'],
  })
  expect(Object.values(await serversOf('protocols'))).toEqual([
    ['mqtt', false, 'mqtt://a.example'],
    ['mqtt', true, 'mqtts://b.example'],
    ['mqtt', true, 'mqtts://c.example'],
    ['mqtt', false, 'mqtt://d.example'],
    ['kafka', true, 'kafka-secure://e.example'],
    ['amqp', true, 'amqps://f.example'],
    ['ws', false, 'ws://g.example'],
    ['http', true, 'https://h.example'],
    ['sse', false, 'http://i.example'],
    ['mqtt', true, 'mqtts://j.example'],
    ['mqtt', false, 'mqtt://k.example:1883'],
    ['nats', false, 'nats://l.example'],
  ])
})

test.each(['perspective-application', 'perspective-device'])('%s: readings come in, commands go out', async (name) => {
  const { channels } = await load(name)
  expect(channels.map(({ address, operations }) => [address, operations.map(({ action }) => action)])).toEqual([
    ['readings', ['receive']],
    ['commands', ['send']],
  ])
})

test('an operation carries what it names, and all of its channel where it names nothing', async () => {
  const named = await load('operation-names-component')
  expect(judgeMessage(named, 'a', '1', 'receive')).toBe('first')
  expect(judgeMessage(named, 'a', '1', 'send')).toBe(INVALID)
  expect(judgeMessage(named, 'a', '"1"', 'send')).toBe('second')
  const unnamed = await load('operation-without-messages')
  expect(judgeMessage(unnamed, 'all', '"1"', 'receive')).toBe('Two')
  expect(judgeMessage(unnamed, 'none', '"1"', 'receive')).toBe(INVALID)
})

test('traits: in 2.x the trait wins, in 3.x the own field, and of two traits the later one', async () => {
  const bindingsOf = (contract: Contract): unknown => contract.channels[0]?.operations[0]?.bindings
  const two = await load('traits-2')
  expect(two.channels[0]?.messages[0]?.contentType).toBe('application/json')
  expect(bindingsOf(two)).toEqual({ mqtt: { qos: 2, retain: true } })
  const three = await load('traits-3')
  expect(three.channels[0]?.messages[0]).toMatchObject({ contentType: 'application/json', title: 'second' })
  expect(bindingsOf(three)).toEqual({ mqtt: { qos: 1, retain: true } })
})

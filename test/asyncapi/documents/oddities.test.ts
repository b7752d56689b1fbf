import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Contract } from '../../../daemon/asyncapi/contract/contract.ts'
import { checkDocument } from '../../../daemon/asyncapi/documents/check-document.ts'
import { renderAddress } from '../../../daemon/asyncapi/matching/render-address.ts'
import { judgeMessage } from '../messages/judge-message.ts'
import { ODDITIES } from './oddity-cases.ts'

const FOLDER = new URL('../fixtures/oddities/', import.meta.url)

const INVALID = 'payload-invalid'

function textOf(name: string): string {
  return readFileSync(new URL(`${name}.yaml`, FOLDER), 'utf8')
}

const loaded = new Map<string, Promise<Contract>>()

function load(name: string): Promise<Contract> {
  const contract = loaded.get(name) ?? checkDocument({ text: textOf(name), mode: 'lenient' })
  loaded.set(name, contract)
  return contract
}

test('every document of the folder has cases', () => {
  const names = Object.keys(ODDITIES).map((name) => `${name}.yaml`)
  expect(readdirSync(FOLDER).sort()).toEqual(names.sort())
})

describe.each(Object.entries(ODDITIES))('%s', (name, { strict, listed = [], good = [], bad = [] }) => {
  test(
    strict === undefined ? 'is accepted by both modes' : 'is refused by strict mode, and listed by lenient mode',
    async () => {
      const { diagnostics } = await load(name)
      const messages = diagnostics.map(({ message }) => message)
      for (const one of [...listed, ...(strict === undefined ? [] : [strict])]) {
        expect(messages).toContainEqual(expect.stringContaining(one))
      }
      const checked = checkDocument({ text: textOf(name), mode: 'strict' })
      if (strict === undefined) await expect(checked).resolves.toBeDefined()
      else {
        await expect(checked).rejects.toMatchObject({
          message: expect.stringContaining(strict),
          hint: expect.stringContaining('mode: lenient, which accepts it'),
        })
      }
    },
  )

  if (good.length > 0) {
    test.each(good)('on %s, accepts %s as %s', async (topic, payload, message) => {
      expect(judgeMessage(await load(name), topic, payload)).toBe(message)
    })
  }
  if (bad.length > 0) {
    test.each(bad)('on %s, refuses %s as %s', async (topic, payload, why) => {
      expect(judgeMessage(await load(name), topic, payload)).toBe(why)
    })
  }
})

test('only examples of other files are left out, and their message keeps its schema', async () => {
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
    'a number of examples above the limit of the list',
    'The reference "./0.json" leaves the document. (and 99 more)',
    `examples:\n${Array.from({ length: 120 }, (_, n) => `          - { $ref: ./${n}.json }`).join('\n')}`,
  ],
])('%s in another file refuses the document with one summary', async (_name, summary, message) => {
  const text = `asyncapi: 2.3.0\ninfo: { title: T, version: 1.0.0 }\nchannels:\n  a:\n    publish:\n      message:\n        ${message}\n`
  for (const mode of ['strict', 'lenient'] as const) {
    await expect(checkDocument({ text, mode })).rejects.toMatchObject({
      code: 'document-reference',
      message: summary,
      hint: expect.stringContaining('bundle the document first'),
    })
  }
})

test('a channel whose address is a filter, or without an address, has no topic to publish to', async () => {
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

test('servers are read from every form of hosts and URLs', async () => {
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

test.each(['perspective-application', 'perspective-device'])(
  '%s: the gateway receives readings and sends commands',
  async (name) => {
    const { channels } = await load(name)
    expect(channels.map(({ address, operations }) => [address, operations.map(({ action }) => action)])).toEqual([
      ['readings', ['receive']],
      ['commands', ['send']],
    ])
  },
)

test('an operation carries the messages that it names, or all messages of its channel if it names none', async () => {
  const named = await load('operation-names-component')
  expect(judgeMessage(named, 'a', '1', 'receive')).toBe('first')
  expect(judgeMessage(named, 'a', '1', 'send')).toBe(INVALID)
  expect(judgeMessage(named, 'a', '"1"', 'send')).toBe('second')
  const unnamed = await load('operation-without-messages')
  expect(judgeMessage(unnamed, 'all', '"1"', 'receive')).toBe('Two')
  expect(judgeMessage(unnamed, 'none', '"1"', 'receive')).toBe(INVALID)
})

test('of two traits the later one wins; in 2.x a trait overwrites the own field, in 3.x it does not', async () => {
  const bindingsOf = (contract: Contract): unknown => contract.channels[0]?.operations[0]?.bindings
  const two = await load('traits-2')
  expect(two.channels[0]?.messages[0]?.contentType).toBe('application/json')
  expect(bindingsOf(two)).toEqual({ mqtt: { qos: 2, retain: true } })
  const three = await load('traits-3')
  expect(three.channels[0]?.messages[0]).toMatchObject({ contentType: 'application/json', title: 'second' })
  expect(bindingsOf(three)).toEqual({ mqtt: { qos: 1, retain: true } })
})

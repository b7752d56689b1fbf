import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { Contract } from '../../../../daemon/asyncapi/contract/contract.ts'
import { extractContract } from '../../../../daemon/asyncapi/documents/extract/extract-contract.ts'
import { readSource } from '../../../../daemon/asyncapi/documents/source/read-source.ts'
import { MessageValidator } from '../../../../daemon/asyncapi/messages/message-validator.ts'

function extract(rest: Record<string, unknown>, asyncapi = '2.6.0'): Contract {
  return extractContract(readSource(stringify({ asyncapi, info: { title: 'T', version: 1.0 }, ...rest })))
}

const publish = (message: unknown): Record<string, unknown> => ({ publish: { message } })

describe('extracting a contract', () => {
  it('refuses a document without channels', () => {
    expect(() => extract({ channels: {} })).toThrow(expect.objectContaining({ code: 'document-no-channels' }))
    expect(() => extract({}, '3.0.0')).toThrow(expect.objectContaining({ code: 'document-no-channels' }))
  })

  it('names messages by name, messageId, component or number', () => {
    const { channels } = extract({
      channels: {
        a: publish({
          oneOf: [
            { name: 'n', messageId: 'i' },
            { messageId: 'i' },
            { $ref: '#/components/messages/C' },
            { title: 'x' },
          ],
        }),
        b: publish({ payload: true }),
        c: publish({
          oneOf: [
            { name: 'n', title: '1' },
            { name: 'n', title: '2' },
          ],
        }),
      },
      components: { messages: { C: {} } },
    })
    expect(channels.map((channel) => channel.messages.map((message) => message.name))).toEqual([
      ['n', 'i', 'C', 'anonymous-1'],
      ['anonymous-2'],
      ['n', 'n-2'],
    ])
  })

  it('merges traits by the rules of each version', () => {
    const traits = [{ title: 'first', contentType: 'a/1' }, { title: 'second' }]
    const message = { title: 'own', traits }
    expect(extract({ channels: { a: publish(message) } }).channels[0]?.messages[0]).toMatchObject({
      title: 'second',
      contentType: 'a/1',
    })
    const v3 = extract({ channels: { a: { address: 'a', messages: { m: message, n: { traits } } } } }, '3.0.0')
    expect(v3.channels[0]?.messages).toMatchObject([{ title: 'own', contentType: 'a/1' }, { title: 'second' }])
  })

  it('reverses directions for a document from the device’s side', () => {
    const { channels } = extract({
      'x-bridge': { perspective: 'device' },
      channels: { a: { publish: {}, subscribe: {} } },
    })
    expect(channels[0]?.operations.map(({ action }) => action)).toEqual(['send', 'receive'])
  })

  it.each([
    [{ url: 'host:1883', protocol: 'mqtt' }, 'mqtt', false, 'mqtt://host:1883'],
    [{ url: 'mqtts://host', protocol: 'mqtt' }, 'mqtt', true, 'mqtts://host'],
    [{ url: 'mqtt://host', protocol: 'secure-mqtt' }, 'mqtt', true, 'mqtts://host'],
    [
      { url: '{h}:{p}', protocol: 'kafka-secure', variables: { h: { default: 'k' }, p: { enum: ['9093'] } } },
      'kafka',
      true,
      'kafka-secure://k:9093',
    ],
    [{ url: 'wss://host/path', protocol: 'wss' }, 'ws', true, 'wss://host/path'],
    [{ url: 'https://host/{x}', protocol: 'sse' }, 'sse', true, 'https://host/{x}'],
    [{ url: 'ssl://host:8883', protocol: 'mqtt' }, 'mqtt', true, 'mqtts://host:8883'],
    [{ url: 'tcp://host:9092', protocol: 'kafka' }, 'kafka', false, 'kafka://host:9092'],
    [{ url: 'tls://host', protocol: 'tcp' }, 'mqtt', true, 'mqtts://host'],
    [{ url: 'ssl://host', protocol: 'pulsar' }, 'pulsar', true, 'pulsar://host'],
    [{ url: 'nats://host', protocol: 'NATS' }, 'nats', false, 'nats://host'],
  ])('reads the server %j', (server, protocol, secure, url) => {
    expect(extract({ channels: { a: {} }, servers: { s: server } }).servers).toMatchObject([{ protocol, secure, url }])
  })

  it('bundles recursive schemas, also through other names and with ids', () => {
    const { channels } = extract({
      id: 'urn:root',
      channels: { a: publish({ payload: { $ref: '#/components/schemas/A' } }) },
      components: {
        schemas: {
          A: {
            $id: 'http://x/A',
            type: 'object',
            properties: {
              'b/c': { $ref: '#/components/schemas/B%7E1C' },
              id: { $ref: '#/components/schemas/B~1C/properties/id' },
            },
          },
          'B/C': {
            id: 'urn:b',
            type: 'object',
            required: ['id'],
            properties: { id: { type: 'string' }, a: { $ref: '#/components/schemas/A' } },
          },
        },
      },
    })
    const [channel] = channels
    if (channel === undefined) throw new Error('no channel')
    const validator = new MessageValidator()
    expect(validator.validate(channel, Buffer.from('{"b/c":{"id":"x","a":{"b/c":{"id":"y"}}}}')).ok).toBe(true)
    expect(validator.validate(channel, Buffer.from('{"b/c":{"id":"x","a":{"b/c":{}}}}'))).toMatchObject({
      errors: [{ pointer: '/b~1c/a/b~1c' }],
    })
    expect(validator.validate(channel, Buffer.from('{"id":1}')).ok).toBe(false)
  })

  it('accepts operations that name the component behind a message of the channel', () => {
    const contract = extract(
      {
        channels: { a: { address: 'a', messages: { m: { $ref: '#/components/messages/M' }, n: {} } } },
        operations: {
          o: { action: 'receive', channel: { $ref: '#/channels/a' }, messages: [{ $ref: '#/components/messages/M' }] },
          all: { action: 'send', channel: { $ref: '#/channels/a' } },
        },
        components: { messages: { M: {} } },
      },
      '3.0.0',
    )
    expect(contract.channels[0]?.operations.map(({ messages }) => messages)).toEqual([['m'], ['m', 'n']])
  })

  it('reads examples of every shape', () => {
    const examples = [{ payload: 1 }, { small: { payload: 2 } }, { $ref: '#/components/messages/X' }, { a: 3 }]
    const { channels } = extract({
      channels: { a: publish({ examples }) },
      components: { messages: { X: { payload: 4, headers: {} } } },
    })
    expect(channels[0]?.messages[0]?.examples).toEqual([
      { payload: 1 },
      { name: 'small', payload: 2 },
      { payload: 4, headers: {} },
      { payload: { a: 3 } },
    ])
  })

  it('warns of unknown keys in x-bridge and refuses wrong values, each with its place', () => {
    const bridged = (bridge: unknown): Contract => extract({ channels: { a: { 'x-bridge': bridge } } })
    const contract = bridged({ lane: 'bulk', lan: 'x', forward: [{ to: 'k', tpic: 'x' }] })
    expect(contract.channels[0]?.bridge).toEqual({ lane: 'bulk', forward: [{ to: 'k' }] })
    expect(contract.diagnostics.map(({ severity, pointer }) => [severity, pointer])).toEqual([
      ['warning', '/channels/a/x-bridge/lan'],
      ['warning', '/channels/a/x-bridge/forward/0/tpic'],
    ])
    for (const wrong of [
      { lane: 'fast' },
      { forward: {} },
      { ttl: '10' },
      { forward: [{ to: 'k', key: '{' }] },
      { forward: [{}] },
      5,
    ]) {
      expect(() => bridged(wrong)).toThrow(
        expect.objectContaining({
          code: 'document-invalid',
          place: expect.objectContaining({ line: expect.any(Number) }),
        }),
      )
    }
  })

  it('reports messages whose payloads are not checked', () => {
    const avro = {
      schemaFormat: 'application/vnd.apache.avro;version=1.9.0',
      contentType: 'avro/binary',
      payload: { type: 'record' }, // without name and fields
    }
    const lookahead = { payload: { type: 'string', pattern: '(?=x)' } }
    const { diagnostics } = extract({ channels: { a: publish(avro), b: publish(lookahead) } })
    expect(diagnostics.map(({ severity, pointer }) => [severity, pointer])).toEqual([
      ['error', '/channels/a/publish/message/payload'],
      ['error', '/channels/b/publish/message/payload'],
    ])
  })

  it('refuses a document that grows exponentially through references', () => {
    const schemas = Object.fromEntries(
      Array.from({ length: 150 }, (_, i) => [
        `S${i}`,
        {
          properties: Object.fromEntries(
            Array.from({ length: 150 }, (__, j) => [`p${j}`, { $ref: `#/components/schemas/S${(i + j) % 150}` }]),
          ),
        },
      ]),
    )
    const channels = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`c${i}`, publish({ payload: { $ref: `#/components/schemas/S${i}` } })]),
    )
    expect(() => extract({ channels, components: { schemas } })).toThrow(
      expect.objectContaining({ code: 'document-limit' }),
    )
  })
})

describe('endless references', () => {
  it('chains of thousands, and traits that refer to each other, are refused without a crash', () => {
    const chain = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, i) => [`C${i}`, { next: { $ref: `#/x-c/C${(i + 1) % 20_000}` } }]),
    )
    const bindings = { kafka: { $ref: '#/x-c/C0' } }
    expect(() => extract({ 'x-c': chain, channels: { a: { bindings } } })).toThrow(
      expect.objectContaining({ code: 'document-limit' }),
    )
    const circle = { A: { x: { $ref: '#/x-c/A' } }, B: { x: { $ref: '#/x-c/B' } } }
    const message = { bindings: { $ref: '#/x-c/A' }, traits: [{ bindings: { $ref: '#/x-c/B' } }] }
    expect(() => extract({ 'x-c': circle, channels: { a: publish(message) } })).toThrow(
      expect.objectContaining({ code: 'document-limit' }),
    )
  })
})

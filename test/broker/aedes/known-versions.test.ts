import type { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Client } from 'aedes'
import { expect, test } from 'vitest'
import {
  aedesRequire,
  installed,
  isKnown,
  warnOfOtherVersions,
  type Library,
} from '../../../daemon/broker/aedes/known-versions.ts'
import { leanParser, useLeanParser } from '../../../daemon/broker/aedes/lean-parser.ts'
import { silentLogger } from '../../../daemon/core/logger.ts'

const OTHER = { aedes: '2.0.0', 'aedes-persistence': '12.0.0', 'mqtt-packet': '10.0.0' }

function warnings(versions = installed): { fields: object; message: string }[] {
  const seen: { fields: object; message: string }[] = []
  warnOfOtherVersions({ ...silentLogger, warn: (fields, message) => void seen.push({ fields, message }) }, versions)
  return seen
}

test('the libraries that are installed are those that the broker was written for', () => {
  expect(warnings()).toEqual([])
  expect((Object.keys(installed) as Library[]).filter((library) => !isKnown(library))).toEqual([])
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: object }
  const { aedes, 'aedes-persistence': persistence } = installed
  expect(dependencies).toMatchObject({ aedes, 'aedes-persistence': persistence })
})

test('each library of another version is warned of once', () => {
  expect(warnings(OTHER).map(({ fields }) => fields)).toEqual([
    { library: 'aedes', installed: '2.0.0', known: '1.2.0' },
    { library: 'aedes-persistence', installed: '12.0.0', known: '11.0.0' },
    { library: 'mqtt-packet', installed: '10.0.0', known: '9.0.2' },
  ])
})

function clientWithParser(): { client: Client; own: EventEmitter; packets: unknown[] } {
  const packets: unknown[] = []
  const { parser } = aedesRequire('mqtt-packet') as { parser: () => EventEmitter }
  const own = Object.assign(parser(), { _queue: [] }).on('packet', (packet) => packets.push(packet))
  return { client: { _parser: own } as object as Client, own, packets }
}

function parserOf(client: Client): EventEmitter & { parse(bytes: Buffer): number; _queue: unknown; client: unknown } {
  return Reflect.get(client, '_parser') as ReturnType<typeof parserOf>
}

test('a connection gets a lean parser, with the listeners and the queue of its own', () => {
  const { client, own, packets } = clientWithParser()
  useLeanParser(client)
  const parser = parserOf(client)
  expect(parser).not.toBe(own)
  expect([parser.client, parser._queue]).toEqual([client, []])
  parser.parse(Buffer.from([0xc0, 0]))
  expect(packets).toMatchObject([{ cmd: 'pingreq' }])
  expect(own.listenerCount('packet')).toBe(0)
})

test.each(['aedes', 'mqtt-packet'] as const)(
  'with another version of %s a connection keeps its own parser',
  (library) => {
    const { client, own } = clientWithParser()
    useLeanParser(client, { ...installed, [library]: OTHER[library] })
    expect(parserOf(client)).toBe(own)
  },
)

test('other programs that use the same copy of mqtt-packet keep its own parser', () => {
  const Parser = createRequire(aedesRequire.resolve('mqtt-packet'))('./parser') as { prototype: object }
  const lean: object = leanParser?.() ?? {}
  expect(lean).not.toBeInstanceOf(Parser)
  expect(Object.getPrototypeOf(lean)).not.toBe(Parser.prototype)
})

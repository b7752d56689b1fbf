import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { leanParser } from '../../../daemon/broker/aedes/lean-parser.ts'

interface Parser {
  on(event: 'packet' | 'error', listener: (what: object) => void): Parser
  parse(bytes: Buffer): number
}
interface MqttPacket {
  parser(options?: object): Parser
  generate(packet: object): Buffer
}

const aedes = createRequire(createRequire(import.meta.url).resolve('aedes'))
const own = createRequire(aedes.resolve('mqtt-packet'))
const original = aedes('mqtt-packet') as MqttPacket
const lean = {
  parser(): Parser {
    if (leanParser === undefined) throw new Error('mqtt-packet is of another version')
    return leanParser()
  },
}

interface Seen {
  packets: unknown[]
  errors: string[]
  thrown: string | undefined
  left: number[]
}

/** What a parser makes of bytes that come in these pieces. */
function seenBy(mqtt: Pick<MqttPacket, 'parser'>, bytes: Buffer, cuts: readonly number[]): Seen {
  const seen: Seen = { packets: [], errors: [], thrown: undefined, left: [] }
  const parser = mqtt.parser()
  parser.on('packet', (packet) => seen.packets.push(structuredClone(packet)))
  parser.on('error', (error) => seen.errors.push(String(error)))
  let from = 0
  try {
    for (const cut of [...new Set([...cuts, bytes.length])].sort((a, b) => a - b)) {
      seen.left.push(parser.parse(Buffer.from(bytes.subarray(from, cut))))
      from = cut
    }
  } catch (error) {
    seen.thrown = String(error)
  }
  return seen
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
const id = fc.integer({ min: 1, max: 65_535 })
const payload = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
const packet = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      cmd: fc.constant('publish'),
      topic: text,
      payload,
      qos: fc.constantFrom(0, 1, 2),
      messageId: id,
      retain: fc.boolean(),
    }),
  },
  fc.record({ cmd: fc.constant('connect'), clientId: text, username: text, password: payload, keepalive: id }),
  fc.record({
    cmd: fc.constant('subscribe'),
    messageId: id,
    subscriptions: fc.array(fc.record({ topic: text, qos: fc.constantFrom(0, 1, 2) }), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ cmd: fc.constantFrom('puback', 'pubrec', 'pubrel', 'pubcomp'), messageId: id }),
  fc.record({ cmd: fc.constantFrom('pingreq', 'disconnect') }),
)
const stream = fc
  .array(packet, { minLength: 1, maxLength: 8 })
  .map((packets) => Buffer.concat(packets.map((one) => original.generate(one))))
const cuts = fc.array(fc.nat(600), { maxLength: 8 })

describe('the lean parser', () => {
  test('is made from the version that it was written for', () => {
    expect(lean.parser).not.toBe(original.parser)
    expect(own('./package.json')).toMatchObject({ version: '9.0.2' })
    const parser: unknown = lean.parser()
    expect(parser).toMatchObject({ _list: { chunks: [] } })
    expect(original.parser()).not.toMatchObject({ _list: { chunks: [] } })
  })

  test('parses the same packets as the original, in whatever pieces they arrive', () => {
    fc.assert(
      fc.property(stream, cuts, (bytes, at) => {
        const inside = at.filter((cut) => cut < bytes.length)
        const seen = seenBy(lean, bytes, inside)
        expect(seen).toEqual(seenBy(original, bytes, inside))
        expect(seen.packets.length).toBeGreaterThan(0)
      }),
      { numRuns: 1_000 },
    )
  })

  test('reports the same errors for bytes that are not MQTT', () => {
    const broken = fc
      .tuple(stream, fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { minLength: 1, maxLength: 4 }))
      .map(([bytes, changes]) => {
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        return bytes
      })
    const noise = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.oneof(broken, noise), cuts, (bytes, at) => {
        const inside = at.filter((cut) => cut < bytes.length)
        expect(seenBy(lean, bytes, inside)).toEqual(seenBy(original, bytes, inside))
      }),
      { numRuns: 3_000 },
    )
  })
})

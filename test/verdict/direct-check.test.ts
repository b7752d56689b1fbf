import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DirectCheck } from '../../daemon/verdict/direct-check.ts'
import type { Judgement } from '../../daemon/verdict/judgement.ts'
import { publishes, RoutingWorld, v2 } from './routing-world.ts'

const TOPIC = 'd/1'

const scalar = fc.constantFrom(
  { type: 'number', minimum: 0 },
  { type: 'string', maxLength: 2 },
  { type: 'boolean' },
  { enum: ['a', 1, null] },
  {},
)
const schema = fc.oneof(
  scalar,
  fc.record({
    type: fc.constant('object'),
    required: fc.subarray(['a', 'b']),
    properties: fc.record({ a: scalar, b: scalar }),
    additionalProperties: fc.boolean(),
  }),
  fc.record({ type: fc.constant('array'), items: scalar }),
)
const message = fc.record(
  {
    payload: schema,
    headers: fc.constant({ type: 'object', required: ['h'] }),
    contentType: fc.constantFrom('application/json', 'text/plain', 'application/octet-stream', 'application/cbor'),
    'x-bridge': fc.record({ ttl: fc.constant('1m'), lane: fc.constantFrom('alarm', 'bulk') }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
)
const bridge = fc.record(
  { onInvalid: fc.constantFrom('quarantine', 'tag', 'pass', 'disconnect') },
  { requiredKeys: [] },
)
const value = fc.oneof(
  fc.constantFrom('a', 1, -1, null, true, 'abc'),
  fc.record({ a: fc.constantFrom(1, 'a', null), b: fc.constantFrom(true, 'x', -2) }, { requiredKeys: [] }),
  fc.array(fc.constantFrom(1, 'a')),
)
const payload = fc.oneof(
  value.map((one) => Buffer.from(JSON.stringify(one))),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('', '{', 'ä', '[1,]', `${'['.repeat(200)}${']'.repeat(200)}`).map((text) => Buffer.from(text)),
)

function channel(sends: boolean, what: object, more: object): object {
  return sends
    ? { subscribe: { message: { name: 'M', ...what } }, 'x-bridge': more }
    : publishes(what, { 'x-bridge': more })
}

/** All that anybody does with a judgement. */
function consequences(judgement: Judgement): unknown {
  if (judgement.verdict === 'refuse') return { ...judgement, channel: judgement.channel?.id }
  const { plan, invalid, ttlMs, durability, wrongDirection, tagged } = judgement
  return { plan, invalid, ttlMs, durability, wrongDirection, tagged }
}

describe('the short way of a topic', () => {
  test('comes to the same judgement as the long one, for any document with one message and any payload', () => {
    let taken = 0
    let passed = 0
    fc.assert(
      fc.property(
        fc.boolean(),
        message,
        bridge,
        fc.array(payload, { minLength: 1, maxLength: 8 }),
        (sends, what, more, all) => {
          const { judge } = new RoutingWorld({ documents: [v2({ 'd/{id}': channel(sends, what, more) })] })
          const found = judge.catalogue.matchOf(TOPIC)
          const direct = DirectCheck.of(found)
          if (direct === undefined) throw new Error('nothing but the payload decides: there is a short way')
          for (const bytes of all) {
            const long = judge.judgeKnown(found, bytes)
            expect(consequences(judge.judgeKnown(direct, bytes))).toEqual(consequences(long))
            const isValid = long.verdict === 'pass' && !long.invalid
            expect(direct.judge(bytes) !== undefined).toBe(isValid)
            taken++
            if (isValid) passed++
          }
        },
      ),
      { numRuns: 100 },
    )
    // Both sides were seen.
    expect(passed).toBeGreaterThan(0)
    expect(passed).toBeLessThan(taken)
  })

  test.each<[why: string, document: object]>([
    ['several messages', v2({ 'd/{id}': { publish: { message: { oneOf: [{ name: 'A' }, { name: 'B' }] } } } })],
    ['several channels', v2({ 'd/{id}': publishes(), 'd/{name}': publishes() })],
    ['a location', v2({ 'd/{id}': publishes({}, { parameters: { id: { location: '$message.payload#/id' } } }) })],
    ['no message', v2({ 'd/{id}': {} })],
  ])('is not taken where there are more things to look at: %s', (_why, document) => {
    const world = new RoutingWorld({ documents: [document] })
    expect(DirectCheck.of(world.judge.catalogue.matchOf(TOPIC))).toBeUndefined()
  })

  test('is not taken for a message with headers, or one that is meant to be another', () => {
    const document = v2({ 'd/{id}': publishes({ headers: { type: 'object', required: ['h'] } }) })
    const { judge } = new RoutingWorld({ documents: [document] })
    const bytes = Buffer.from('{}')
    expect(judge.judge(TOPIC, bytes).verdict).toBe('pass')
    expect(judge.judge(TOPIC, bytes, { other: '1' }).verdict).toBe('refuse')
    expect(judge.judge(TOPIC, bytes, undefined, 'Other').verdict).toBe('refuse')
  })
})

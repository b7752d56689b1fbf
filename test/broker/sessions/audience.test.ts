import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Audience } from '../../../daemon/broker/sessions/audience.ts'

const levels = fc.constantFrom('a', 'b', '')
const topic = fc.array(levels, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
const filter = fc
  .tuple(fc.array(fc.oneof(levels, fc.constant('+')), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([parts, rest]) => [...parts, ...(rest ? ['#'] : [])].join('/'))

function takes(given: string, name: string): boolean {
  const [wanted, levelsOf] = [given.split('/'), name.split('/')]
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true
    if (index >= levelsOf.length || (level !== '+' && level !== levelsOf[index])) return false
  }
  return wanted.length === levelsOf.length
}

type Action = { do: 'join' | 'leave'; filter: string; member: object } | { do: 'ask'; topic: string }

const members = [{ name: 'one' }, { name: 'other' }]

test('a topic is heard exactly while a filter that matches it is joined, however often one of its members joins or leaves', () => {
  const member = fc.constantFrom(...members)
  const action: fc.Arbitrary<Action> = fc.oneof(
    fc.record({ do: fc.constantFrom('join' as const, 'leave' as const), filter, member }),
    fc.record({ do: fc.constant('ask' as const), topic }),
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const audience = new Audience()
      const joined = new Map(members.map((one) => [one as object, new Set<string>()]))
      for (const one of actions) {
        if (one.do === 'ask')
          expect(audience.hears(one.topic)).toBe(
            [...joined.values()].some((filters) => [...filters].some((given) => takes(given, one.topic))),
          )
        else if (one.do === 'join') {
          audience.join(one.filter, one.member)
          joined.get(one.member)?.add(one.filter)
        } else {
          audience.leave(one.filter, one.member)
          joined.get(one.member)?.delete(one.filter)
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('an offline session counts as a subscriber until it unsubscribes or ends', () => {
  const audience = new Audience()
  audience.joinSession('sleeper', ['a/+', 'b'])
  audience.joinSession('sleeper', ['b'])
  audience.join('b', members)
  audience.leave('b', members)
  expect(['a/1', 'b', 'c'].map((one) => audience.hears(one))).toEqual([true, true, false])
  audience.leaveSession('sleeper', ['b', 'never'])
  expect(['a/1', 'b'].map((one) => audience.hears(one))).toEqual([true, false])
  audience.leaveSession('sleeper')
  audience.leaveSession('sleeper')
  expect(audience.hears('a/1')).toBe(false)
})

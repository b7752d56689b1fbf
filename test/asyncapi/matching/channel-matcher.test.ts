import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ContractParameter } from '../../../daemon/asyncapi/contract/contract.ts'
import { ChannelMatcher } from '../../../daemon/asyncapi/matching/channel-matcher.ts'

function matcherOf(...addresses: string[]): ChannelMatcher<string> {
  const matcher = new ChannelMatcher<string>()
  for (const address of addresses) matcher.add(address, [], address)
  return matcher
}

function withParameters(address: string, ...parameters: ContractParameter[]): ChannelMatcher<string> {
  const matcher = new ChannelMatcher<string>()
  matcher.add(address, parameters, address)
  return matcher
}

describe('matching a topic', () => {
  it.each([
    ['device/{id}/data', 'device/a/data', true],
    ['device/{id}/data', 'device/a/b/data', false],
    ['device/{id}/data', 'device/a/data/x', false],
    ['device/{id}/data', 'device//data', false],
    ['device/+/data', 'device//data', true],
    ['/a/b', '/a/b', true],
    ['/a/b', 'a/b', false],
    ['a/', 'a/', true],
    ['a', 'a/', false],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['#', '$SYS/x', false],
    ['{x}/a', '$SYS/a', false],
    ['$SYS/{x}', '$SYS/a', true],
    ['adeo-{env}-x', 'adeo-prod-x', true],
    ['adeo-{env}-x', 'adeo--x', false],
    ['{a}-x', '1-x-x', true],
    ['{a}.{b}', 'x.y.z', true],
    ['{}', '{}', true],
  ])('%s against %s: %s', (address, topic, expected) => {
    expect(matcherOf(address).match(topic) !== undefined).toBe(expected)
  })

  it('prefers the most specific address, level by level', () => {
    const matcher = matcherOf('#', '+/x', '{a}/x', 'p-{a}/x', 'p-1/x', 'p-1/{b}')
    expect(matcher.match('p-1/x')?.value).toBe('p-1/x')
    expect(matcher.match('p-1/y')?.value).toBe('p-1/{b}')
    expect(matcher.match('p-2/x')?.value).toBe('p-{a}/x')
    expect(matcher.match('q/x')?.value).toBe('{a}/x')
    expect(matcher.match('/x')?.value).toBe('+/x')
    expect(matcher.match('q/y')?.value).toBe('#')
  })

  it('backtracks when the more specific path ends', () => {
    const matcher = matcherOf('a/b/c', '{x}/b/d', 'a/{y}/e')
    expect(matcher.match('a/b/d')?.value).toBe('{x}/b/d')
    expect(matcher.match('a/b/e')?.value).toBe('a/{y}/e')
  })

  it('returns the parameters', () => {
    expect(matcherOf('{a}/x-{b}-{c}/{__proto__}').match('1/x-2-3-4/5')?.parameters()).toEqual(
      Object.fromEntries([
        ['a', '1'],
        ['b', '2'],
        ['c', '3-4'],
        ['__proto__', '5'],
      ]),
    )
  })

  it('treats names of prototype members as plain names', () => {
    const matcher = matcherOf('__proto__/constructor')
    expect(matcher.match('__proto__/constructor')?.value).toBe('__proto__/constructor')
    expect(matcher.match('toString/constructor')).toBeUndefined()
  })

  it('checks parameters by enum, by schema, and by their repetition', () => {
    const enumerated = withParameters('d/{id}', { name: 'id', enum: ['a'] })
    expect(enumerated.match('d/a')).toBeDefined()
    expect(enumerated.match('d/b')).toBeUndefined()
    const numbered = withParameters('d/{id}', { name: 'id', schema: { type: 'integer', minimum: 5 } })
    expect(numbered.match('d/7')).toBeDefined()
    expect(numbered.match('d/4')).toBeUndefined()
    expect(numbered.match('d/x')).toBeUndefined()
    const patterned = withParameters('d/{id}', { name: 'id', schema: { type: 'string', pattern: '^(a+)+$' } })
    expect(patterned.match(`d/${'a'.repeat(50)}`)).toBeDefined()
    expect(patterned.match(`d/${'a'.repeat(50)}!`)).toBeUndefined()
    expect(matcherOf('{id}/x/{id}').match('1/x/1')).toBeDefined()
    expect(matcherOf('{id}/x/{id}').match('1/x/2')).toBeUndefined()
  })

  it('falls back to a less specific channel when a parameter does not fit, and explains the refusal if there is none', () => {
    const matcher = withParameters('d/{id}', { name: 'id', enum: ['a', 'b'] })
    expect(matcher.refusal('d/c')).toEqual({
      value: 'd/{id}',
      violation: { pointer: '{id}', keyword: 'enum', expected: '"a, b"', actual: '"c"' },
    })
    expect(matcher.refusal('e/c')).toBeUndefined()
    matcher.add('d/+', [], 'd/+')
    expect(matcher.match('d/c')?.value).toBe('d/+')
  })

  it('returns all channels of one shape, and warns of the tie', () => {
    const matcher = matcherOf('d/{id}', 'd/{device}')
    const match = matcher.match('d/1')
    expect(match?.values).toEqual(['d/{id}', 'd/{device}'])
    expect(match?.parameters('d/{device}')).toEqual({ device: '1' })
    expect(matcher.diagnostics).toHaveLength(1)
  })

  it('warns of addresses that no topic matches', () => {
    const matcher = matcherOf('a/#/b', Array(65).fill('x').join('/'))
    expect(matcher.diagnostics).toHaveLength(2)
    expect(matcher.match('a/x/b')).toBeUndefined()
  })
})

describe('compared with anchored regular expressions', () => {
  const level = fc.constantFrom('a', 'b', '{x}', 'a-{x}', '+')
  const address = fc
    .array(level, { minLength: 1, maxLength: 4 })
    // A repeated name would have to match the same text.
    .map((levels) => levels.map((one, index) => one.replace('x', `x${index}`)).join('/'))
  const topic = fc
    .array(fc.constantFrom('a', 'b', 'a-b', 'c', ''), { minLength: 1, maxLength: 4 })
    .map((levels) => levels.join('/'))

  it('finds a channel exactly when an expression matches, and the most specific of them', () => {
    fc.assert(
      fc.property(fc.uniqueArray(address, { maxLength: 12 }), topic, (addresses, text) => {
        const fitting = addresses
          .filter((one) => expressionOf(one).test(text))
          .sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
        expect(matcherOf(...addresses).match(text)?.value).toBe(fitting[0])
      }),
      { numRuns: 2_000 },
    )
  })

  function expressionOf(text: string): RegExp {
    return new RegExp(`^${text.replaceAll('+', '[^/]*').replaceAll(/\{x\d\}/g, '[^/]+')}$`)
  }

  function rank(text: string): string {
    return text
      .split('/')
      .map((one) => (one === '+' ? '3' : one.startsWith('{') ? '2' : one.includes('{') ? '1' : '0'))
      .join('')
  }
})

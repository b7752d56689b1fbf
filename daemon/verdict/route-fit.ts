import { matchMixed, parseAddress, type AddressLevel } from '../asyncapi/matching/address.ts'
import { ChannelMatcher } from '../asyncapi/matching/channel-matcher.ts'

/** Whether a route's `from` matches every topic of a channel's address, some of them, or none. */
export type RouteFit = 'always' | 'depends' | 'never'

/** @param from address with parameters, or topic filter */
export function routeFit(from: string, address: string): RouteFit {
  const wanted = parseAddress(from)
  const given = parseAddress(address)
  let fit: RouteFit = 'always'
  for (const [index, level] of wanted.entries()) {
    if (level.kind === 'hash') return fit
    const other = given[index]
    if (other?.kind === 'hash') return 'depends'
    const here = other === undefined ? 'never' : levelFit(level, other)
    if (here === 'never') return 'never'
    if (here === 'depends') fit = 'depends'
  }
  if (given.length === wanted.length) return fit
  // `a/#` matches `a` as well [MQTT-4.7.1-2].
  return given.length === wanted.length + 1 && given.at(-1)?.kind === 'hash' ? 'depends' : 'never'
}

/** Tests topics against a route's `from`. */
export function topicTest(from: string): (topic: string) => boolean {
  const matcher = new ChannelMatcher<null>()
  matcher.add(from, [], null)
  return (topic) => matcher.match(topic) !== undefined
}

function levelFit(level: AddressLevel, other: AddressLevel): RouteFit {
  if (level.kind === 'plus') return 'always'
  if (level.kind === 'parameter') return other.kind === 'plus' ? 'depends' : isEmpty(other) ? 'never' : 'always'
  if (other.kind !== 'literal')
    return level.kind === 'mixed' && other.kind === 'mixed' && level.shape === other.shape ? 'always' : 'depends'
  if (level.kind === 'literal') return level.text === other.text ? 'always' : 'never'
  return level.kind === 'mixed' && matchMixed(level.parts, other.text) !== undefined ? 'always' : 'never'
}

function isEmpty(level: AddressLevel): boolean {
  return level.kind === 'literal' && level.text === ''
}

/** A part of a level such as `adeo-{env}-x`: literal text, or a parameter. */
type Part = { readonly text: string } | { readonly parameter: string }

/** One level of an address, from most to least specific. */
export type AddressLevel =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'mixed'; readonly parts: readonly Part[]; readonly shape: string; readonly literalLength: number }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'plus' }
  | { readonly kind: 'hash' }

const PARAMETER = /\{([^{}/]+)\}/g

/** Splits an address into levels; a leading slash counts, so `/a` has an empty first level. */
export function parseAddress(address: string): AddressLevel[] {
  return address.split('/').map(parseLevel)
}

/** Names of the parameters, in the order of the address. */
export function addressParameters(address: string): string[] {
  return [...address.matchAll(PARAMETER)].map((match) => match[1] ?? '')
}

function parseLevel(text: string): AddressLevel {
  if (text === '+') return { kind: 'plus' }
  if (text === '#') return { kind: 'hash' }
  const parts: Part[] = []
  let end = 0
  for (const match of text.matchAll(PARAMETER)) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index) })
    parts.push({ parameter: match[1] ?? '' })
    end = match.index + match[0].length
  }
  if (end < text.length) parts.push({ text: text.slice(end) })
  const [first] = parts
  if (first === undefined || !parts.some((part) => 'parameter' in part)) return { kind: 'literal', text }
  if (parts.length === 1 && 'parameter' in first) return { kind: 'parameter', name: first.parameter }
  const shape = text.replace(PARAMETER, '{}')
  return { kind: 'mixed', parts, shape, literalLength: shape.replaceAll('{}', '').length }
}

/**
 * Matches a whole mixed level and returns the texts of its parameters, or undefined. A parameter takes at least one
 * character; if several splits are possible, parameters further left take the shortest text. Linear in the length of the
 * level, which a regular expression would not be.
 */
export function matchMixed(parts: readonly Part[], level: string): string[] | undefined {
  const values: string[] = []
  let position = 0
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index]
    if (part === undefined) break
    if ('text' in part) {
      if (!level.startsWith(part.text, position)) return undefined
      position += part.text.length
      continue
    }
    const end = endOfParameter(parts, index, level, position)
    if (end <= position) return undefined
    values.push(level.slice(position, end))
    position = end
  }
  return position === level.length ? values : undefined
}

function endOfParameter(parts: readonly Part[], index: number, level: string, position: number): number {
  const next = parts[index + 1]
  if (next === undefined) return level.length
  if ('parameter' in next) return Math.min(position + 1, level.length)
  // The last literal is anchored at the end; otherwise `{a}-x` would not match `1-x-x`.
  if (index + 2 === parts.length) return level.endsWith(next.text) ? level.length - next.text.length : -1
  return level.indexOf(next.text, position + 1)
}

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonFaultOffset, showJsonFault } from '../../daemon/core/json-fault.ts'

/** A fault far into the payload. */
const FAR = `{${Array.from({ length: 40 }, (_one, index) => `"k${index + 1}":${index + 1}, `).join('')}"Temperature":nan}`

test('a fault is shown with what stands around it and where it is', () => {
  expect(showJsonFault(FAR)).toBe('…":39, "k40":40, "Temperature":nan} (character 397)')
  expect(showJsonFault('\ufeff{"a":1}')).toBe('\\ufeff{"a":1} (character 0)')
  expect(showJsonFault('{"a":\u0000}')).toBe('{"a":\\u0000} (character 5)')
  expect(showJsonFault('{"a":')).toBe('{"a": (ends too early, at character 5)')
})

test.each([
  ['', 0],
  ['{"a":1,}', 7],
  ["{'a':1}", 1],
  ['[1 2]', 3],
  ['[1}', 2],
  ['01', 1],
  ['tru', 0],
  ['"a', 0],
  ['{"a" 1}', 5],
  ['1 x', 2],
  ['{"a":1}}', 7],
  ['[1,]', 3],
])('the fault of %j is at %i', (text, at) => {
  expect(jsonFaultOffset(text)).toBe(at)
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('what stands before the fault can be the beginning of JSON, and with the character at the fault it cannot', () => {
  const broken = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('', ' ', ',', '"', '}', ']', ':', '0', 'e', '\\', '\n', '-'))
    .map(([text, at, more]) => {
      const place = at % (text.length + 1)
      return text.slice(0, place) + more + text.slice(place + 1)
    })
    .filter((text) => !isJson(text))
  fc.assert(
    fc.property(broken, (text) => {
      const at = jsonFaultOffset(text)
      expect(at).toBeLessThanOrEqual(text.length)
      // The fault does not depend on what follows its token.
      if (at < text.length && !/["\w.+-]/.test(text[at] ?? '')) expect(jsonFaultOffset(text.slice(0, at + 1))).toBe(at)
      expect(jsonFaultOffset(`${text.slice(0, at)}`)).toBe(at)
    }),
    { numRuns: 3_000 },
  )
})

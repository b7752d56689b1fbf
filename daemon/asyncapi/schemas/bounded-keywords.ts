/**
 * The keywords `format`, `pattern` and `uniqueItems` in bounded time. ajv's own versions of them are quadratic or
 * exponential for hostile schemas and values.
 */
import type { Format } from 'ajv'
import { schemaLibraries } from './schema-libraries.ts'
import type { WorkBudget } from './work-budget.ts'

/** The longest text that each format accepts. Some of their expressions are quadratic, so longer texts are not tested. */
const LONGEST: Readonly<Record<string, number>> = {
  date: 64,
  time: 64,
  'date-time': 64,
  'iso-time': 64,
  'iso-date-time': 64,
  duration: 64,
  uuid: 64,
  ipv4: 64,
  ipv6: 64,
  email: 320,
  hostname: 255,
  uri: 2_048,
  'uri-reference': 2_048,
  'uri-template': 2_048,
  url: 512,
  regex: 512,
  'json-pointer': 4_096,
  'json-pointer-uri-fragment': 4_096,
  'relative-json-pointer': 4_096,
}

const MAX_PATTERN_LENGTH = 2_000
const MAX_PROGRAM_SIZE = 5_000
/** Characters of a pattern test that cost one unit of the budget. */
const CHARACTERS_PER_UNIT = 16

/** The formats of ajv-formats (those of JSON Schema and OpenAPI), each with bounded cost. */
export function boundedFormats(budget: WorkBudget): Map<string, Format> {
  const bounded = new Map<string, Format>()
  for (const [name, format] of Object.entries(schemaLibraries().formats.fullFormats)) {
    const longest = LONGEST[name]
    const test = longest === undefined ? undefined : testOf(format)
    if (longest === undefined || test === undefined) {
      bounded.set(name, format)
      continue
    }
    bounded.set(name, {
      type: 'string',
      validate: (text: string) => {
        if (text.length > longest) return false
        if (text.length > 64) budget.spend((text.length * text.length) / 1_024)
        return test(text)
      },
    })
  }
  return bounded
}

function testOf(format: Format): ((text: string) => boolean) | undefined {
  if (format instanceof RegExp) return (text) => format.test(text)
  if (typeof format === 'function') return format
  if (typeof format !== 'object' || !('validate' in format)) return undefined
  const { validate } = format
  if (validate instanceof RegExp) return (text) => validate.test(text)
  return typeof validate === 'function' ? (text) => Reflect.apply(validate, undefined, [text]) === true : undefined
}

/**
 * Compiles a pattern that is tested in linear time. Throws for expressions that RE2 does not support (look-around, back
 * references) and for expressions that are too large.
 */
export function compilePattern(
  pattern: string,
  budget: WorkBudget,
): { test(text: string): boolean; toString(): string } {
  if (pattern.length > MAX_PATTERN_LENGTH) throw new Error(`pattern of ${pattern.length} characters is too long`)
  const { RE2JS } = schemaLibraries().re2js
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern))
  const size = compiled.programSize()
  if (size > MAX_PROGRAM_SIZE) throw new Error(`pattern ${pattern.slice(0, 40)} is too large`)
  // RE2 may give up the automaton of a large expression and simulate it state by state.
  const weight = 1 + size / 500
  return {
    test(text: string): boolean {
      budget.spend(1 + (text.length * weight) / CHARACTERS_PER_UNIT)
      return compiled.test(text)
    },
    // ajv caches expressions by their text.
    toString: () => pattern,
  }
}

/** `uniqueItems` in linear time: compares canonical texts of the items instead of each item with each. */
export function allUnique(items: readonly unknown[], budget: WorkBudget): boolean {
  const seen = new Set<string>()
  for (const item of items) {
    const key = canonical(item, budget)
    if (seen.has(key)) return false
    seen.add(key)
  }
  return true
}

/** Gives values that JSON Schema treats as equal the same text; the order of keys does not count. */
function canonical(value: unknown, budget: WorkBudget): string {
  budget.spend(0.5)
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, budget)).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item, budget)}`).join()}}`
}

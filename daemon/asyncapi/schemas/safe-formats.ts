import type { Format } from 'ajv'
import formats from 'ajv-formats/dist/formats.js'
import type { WorkBudget } from './work-budget.ts'

/** Longest text that can be of a format; the expressions behind some are quadratic, so what is longer is not tried. */
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

/** The formats of ajv-formats (JSON Schema's and OpenAPI's), each bounded in what it may cost. */
export function safeFormats(budget: WorkBudget): Map<string, Format> {
  const safe = new Map<string, Format>()
  for (const [name, format] of Object.entries(formats.fullFormats)) {
    const longest = LONGEST[name]
    const test = longest === undefined ? undefined : testOf(format)
    if (longest === undefined || test === undefined) {
      safe.set(name, format)
      continue
    }
    safe.set(name, {
      type: 'string',
      validate: (text: string) => {
        if (text.length > longest) return false
        if (text.length > 64) budget.spend((text.length * text.length) / 1_024)
        return test(text)
      },
    })
  }
  return safe
}

function testOf(format: Format): ((text: string) => boolean) | undefined {
  if (format instanceof RegExp) return (text) => format.test(text)
  if (typeof format === 'function') return format
  if (typeof format !== 'object' || !('validate' in format)) return undefined
  const { validate } = format
  if (validate instanceof RegExp) return (text) => validate.test(text)
  return typeof validate === 'function' ? (text) => Reflect.apply(validate, undefined, [text]) === true : undefined
}

import { resolve } from 'node:path'
import type { Located } from '../loading/located.ts'
import { type JsonSchema, reportInvalid, type Schema } from './schema.ts'

/** JSON Schema of a value that may also be a ${…} reference. */
export function orReference(json: JsonSchema): JsonSchema {
  return { anyOf: [json, { $ref: '#/$defs/reference' }] }
}

export interface TextRules {
  pattern?: RegExp
  /** Describes the pattern in an error message. */
  expected?: string
  maxLength?: number
}

export function text(rules: TextRules = {}): Schema<string> {
  const expected = rules.expected ?? 'text'
  const maxLength = rules.maxLength ?? 1024
  const json: JsonSchema = {
    type: 'string',
    minLength: 1,
    maxLength,
    ...(rules.pattern === undefined ? {} : { pattern: rules.pattern.source }),
  }
  return {
    json: rules.pattern === undefined ? json : orReference(json),
    read(node, field, context) {
      const value = textOf(node)
      if (value === undefined) {
        const quotes = node.kind === 'scalar' && node.value !== null ? ' in quotes' : ''
        return reportInvalid(context, node, field, expected + quotes)
      }
      if (value === '') return reportInvalid(context, node, field, `${expected}, not empty`)
      if (value.length > maxLength) return reportInvalid(context, node, field, `at most ${maxLength} characters`)
      if (rules.pattern?.test(value) === false) return reportInvalid(context, node, field, expected)
      return value
    },
  }
}

/** Text that must not appear in errors or logs. */
export function secret(): Schema<string> {
  return {
    json: { type: 'string', minLength: 1 },
    read(node, field, context) {
      const value = textOf(node)
      if (value === undefined || value === '') {
        // Marked as referenced, so that the message does not show the value.
        const shown: Located = node.kind === 'scalar' ? { ...node, referenced: true } : node
        return reportInvalid(context, shown, field, 'text in quotes, not empty')
      }
      context.secrets.add(value)
      return value
    },
  }
}

/** A file or directory; relative to the file that names it. */
export function path(): Schema<string> {
  const plain = text({ maxLength: 4096, expected: 'a path' })
  return {
    json: plain.json,
    read(node, field, context) {
      const value = plain.read(node, field, context)
      if (value?.includes('\0')) return reportInvalid(context, node, field, 'a path without NUL')
      return value === undefined ? undefined : resolve(node.spot.origin.base, value)
    },
  }
}

export function integer(min: number, max: number): Schema<number> {
  return {
    json: orReference({ type: 'integer', minimum: min, maximum: max }),
    read(node, field, context) {
      const value = numberOf(node)
      if (value === undefined || !Number.isInteger(value) || value < min || value > max) {
        return reportInvalid(context, node, field, `a whole number from ${min} to ${max}`)
      }
      return value
    },
  }
}

/** Any number from `min` to `max`. */
export function number(min: number, max: number): Schema<number> {
  return {
    json: orReference({ type: 'number', minimum: min, maximum: max }),
    read(node, field, context) {
      const value = numberOf(node)
      if (value !== undefined && value >= min && value <= max) return value
      return reportInvalid(context, node, field, `a number from ${min} to ${max}`)
    },
  }
}

export function boolean(): Schema<boolean> {
  return {
    json: orReference({ type: 'boolean' }),
    read(node, field, context) {
      if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value
      if (node.kind === 'scalar' && node.referenced && node.value === 'true') return true
      if (node.kind === 'scalar' && node.referenced && node.value === 'false') return false
      return reportInvalid(context, node, field, 'true or false')
    },
  }
}

export function choice<const T extends string>(choices: readonly T[]): Schema<T> {
  return {
    json: orReference({ enum: choices }),
    read(node, field, context) {
      const value = textOf(node)
      const found = choices.find((candidate) => candidate === value)
      return found ?? reportInvalid(context, node, field, orList(choices))
    },
  }
}

/** `a, b or c` */
export function orList(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

function textOf(node: Located): string | undefined {
  if (node.kind !== 'scalar' || node.value === null) return undefined
  if (typeof node.value === 'string') return node.value
  // In the environment, the text 42 and the number look the same.
  return node.spot.origin.variable === undefined ? undefined : node.source
}

function numberOf(node: Located): number | undefined {
  if (node.kind !== 'scalar') return undefined
  if (typeof node.value === 'number') return node.value
  return node.referenced && typeof node.value === 'string' && /^-?\d+$/.test(node.value)
    ? Number(node.value)
    : undefined
}

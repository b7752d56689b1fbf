import { escapeControls } from './escape-text.ts'

const TOKEN =
  /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]/y
const BLANK = /[ \t\n\r]*/y

/** The token that may come next: a value, a key, `:` after a key, or `,` and the closing bracket after a value. */
type Expected = 'value' | 'first-item' | 'key' | 'first-key' | 'colon' | 'more'

/**
 * Finds the offset, in characters, at which a text stops being JSON; the length of the text if it ends too early. For texts
 * that JSON.parse refuses, as only some of its messages name the place.
 */
export function jsonFaultOffset(text: string): number {
  const open: string[] = []
  let expected: Expected = 'value'
  let position = skip(BLANK, text, 0)
  while (position < text.length) {
    const end = skip(TOKEN, text, position)
    const next: Expected | undefined = end === position ? undefined : accept(text.slice(position, end), expected, open)
    if (next === undefined) return position
    expected = next
    position = skip(BLANK, text, end)
  }
  return position
}

function skip(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex : from
}

function accept(token: string, expected: Expected, open: string[]): Expected | undefined {
  const inside = open.at(-1)
  if (expected === 'colon') return token === ':' ? 'value' : undefined
  if (expected === 'more') {
    if (token === ',' && inside !== undefined) return inside === '{' ? 'key' : 'value'
    return closes(token, inside, open)
  }
  if (expected === 'key' || expected === 'first-key') {
    if (token.startsWith('"')) return 'colon'
    return expected === 'first-key' ? closes(token, inside, open) : undefined
  }
  if (token === '{' || token === '[') {
    open.push(token)
    return token === '{' ? 'first-key' : 'first-item'
  }
  if (expected === 'first-item' && token === ']') return closes(token, inside, open)
  return /^[}\],:]$/.test(token) ? undefined : 'more'
}

function closes(token: string, inside: string | undefined, open: string[]): Expected | undefined {
  if (token !== (inside === '{' ? '}' : ']') || inside === undefined) return undefined
  open.pop()
  return 'more'
}

const SHOWN_BEFORE = 30
const SHOWN_AFTER = 20

/** Shows what stands around the fault of a text that JSON.parse refuses, with unseen characters escaped, and where it is. */
export function showJsonFault(text: string): string {
  const at = jsonFaultOffset(text)
  const from = Math.max(0, at - SHOWN_BEFORE)
  const around = escapeControls(text.slice(from, at + SHOWN_AFTER))
  const where = at === text.length ? `ends too early, at character ${at}` : `character ${at}`
  return `${from > 0 ? '…' : ''}${around}${at + SHOWN_AFTER < text.length ? '…' : ''} (${where})`
}

/** Line and column, both from 1. */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset)
  const lastBreak = before.lastIndexOf('\n')
  return { line: before.split('\n').length, column: offset - lastBreak }
}

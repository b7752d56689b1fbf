import { escapeControls } from '../../core/escape-text.ts'

/** The tokens of RFC 8259, each with the white space before it. */
const TOKEN =
  /[ \t\n\r]*(?:([{}[\]:,])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)))/y
const SPACE = /[ \t\n\r]*/y
const BEFORE = 30
const AFTER = 20

type Expected = 'value' | 'value or ]' | 'name' | 'name or }' | 'colon' | 'comma or end'

/** Offset of the first character at which a text ceases to be JSON; its length where it ends too early; undefined where it is JSON. */
export function jsonFaultAt(text: string): number | undefined {
  const open: ('{' | '[')[] = []
  let expected: Expected = 'value'
  let at = 0
  while (expected !== 'comma or end' || open.length > 0) {
    const token = match(TOKEN, text, at)
    const next: Expected | undefined = token === null ? undefined : after(token, expected, open)
    if (token === null || next === undefined) return at + (match(SPACE, text, at)?.[0].length ?? 0)
    expected = next
    at += token[0].length
  }
  const end = at + (match(SPACE, text, at)?.[0].length ?? 0)
  return end < text.length ? end : undefined
}

/** Shows the text around its fault, with unseen characters escaped, and where it is. */
export function showJsonFault(text: string): string {
  const at = jsonFaultAt(text) ?? 0
  const from = Math.max(0, at - BEFORE)
  const around = escapeControls(text.slice(from, at + AFTER))
  const where = at === text.length ? `ends too early, at character ${at}` : `character ${at}`
  return `${from > 0 ? '…' : ''}${around}${at + AFTER < text.length ? '…' : ''} (${where})`
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** What is expected after a token; undefined where the token itself was not. */
function after(
  [, mark, name, literal]: RegExpExecArray,
  expected: Expected,
  open: ('{' | '[')[],
): Expected | undefined {
  const isValue = expected === 'value' || expected === 'value or ]'
  const inside = open.at(-1)
  if (literal !== undefined) return isValue ? 'comma or end' : undefined
  if (name !== undefined) return isValue ? 'comma or end' : expected.startsWith('name') ? 'colon' : undefined
  if (mark === '{' || mark === '[') {
    if (!isValue) return undefined
    open.push(mark)
    return mark === '{' ? 'name or }' : 'value or ]'
  }
  if (mark === ':') return expected === 'colon' ? 'value' : undefined
  if (mark === ',') {
    if (expected !== 'comma or end') return undefined
    return inside === '{' ? 'name' : inside === '[' ? 'value' : undefined
  }
  const [opening, empty] = mark === '}' ? (['{', 'name or }'] as const) : (['[', 'value or ]'] as const)
  if (inside !== opening || (expected !== 'comma or end' && expected !== empty)) return undefined
  open.pop()
  return 'comma or end'
}

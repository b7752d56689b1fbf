import { EdgeError } from '../../core/errors.ts'
import { asText, evaluate, parseExpression, type RuntimeExpression } from '../contract/runtime-expression.ts'

/** The values that a template is filled with. */
export interface TemplateInput {
  readonly parameters: Readonly<Record<string, string>>
  /** Returns the decoded payload; called only if the template needs it. */
  readonly payload: () => unknown
  readonly headers: Readonly<Record<string, string>>
}

/** A compiled template of `x-bridge` or of a route. */
export interface Template {
  /** Returns undefined if a value is missing, or is not a string, number or boolean. `check` receives each inserted value. */
  render(input: TemplateInput, check?: (value: string) => void): string | undefined
  readonly needsPayload: boolean
  /** True if the text depends on payload or headers, not on the topic alone. */
  readonly usesMessage: boolean
  readonly isConstant: boolean
  /** Names of the address parameters in the template. */
  readonly parameters: readonly string[]
}

type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'expression'; readonly expression: RuntimeExpression }

/**
 * Compiles a template with `{parameter}` and `{$message.payload#/sensorId}`. A template that is nothing but one runtime
 * expression may omit the braces. Throws EdgeError `document-invalid` for wrong syntax.
 */
export function compileTemplate(text: string): Template {
  const alone = text.startsWith('$') ? parseExpression(text) : undefined
  const pieces: Piece[] = alone === undefined ? splitPieces(text) : [{ kind: 'expression', expression: alone }]
  const [only] = pieces
  const constant = pieces.every((piece) => piece.kind === 'text')
    ? pieces.map((piece) => piece.text).join('')
    : undefined
  return {
    needsPayload: pieces.some((piece) => piece.kind === 'expression' && piece.expression.source === 'payload'),
    usesMessage: pieces.some((piece) => piece.kind === 'expression'),
    isConstant: constant !== undefined,
    parameters: pieces.flatMap((piece) => (piece.kind === 'parameter' ? [piece.name] : [])),
    render(input, check) {
      if (constant !== undefined) return constant
      if (pieces.length === 1 && only !== undefined) return fill(only, input, check)
      let rendered = ''
      for (const piece of pieces) {
        const value = fill(piece, input, check)
        if (value === undefined) return undefined
        rendered += value
      }
      return rendered
    },
  }
}

function splitPieces(text: string): Piece[] {
  const pieces: Piece[] = []
  let position = 0
  while (position < text.length) {
    const open = text.indexOf('{', position)
    const plain = text.slice(position, open === -1 ? undefined : open)
    if (plain.includes('}')) throw syntaxError(text, 'a } without its {')
    if (plain !== '') pieces.push({ kind: 'text', text: plain })
    if (open === -1) break
    const close = text.indexOf('}', open)
    if (close === -1) throw syntaxError(text, 'a { without its }')
    pieces.push(placeholder(text, text.slice(open + 1, close)))
    position = close + 1
  }
  const [first] = pieces
  // Without braces only a whole expression is read as one: `$message.payload#/id-x` would silently be literal text.
  if (first?.kind === 'text' && first.text.startsWith('$message'))
    throw syntaxError(text, 'an expression outside braces')
  return pieces
}

function placeholder(template: string, inner: string): Piece {
  if (inner.startsWith('$')) {
    const expression = parseExpression(inner)
    if (expression === undefined) throw syntaxError(template, `{${inner}}, which is no runtime expression`)
    return { kind: 'expression', expression }
  }
  // The same names as in addresses: `{device id}` is a parameter there, too.
  if (inner === '' || /[{}/]/.test(inner)) throw syntaxError(template, `{${inner}}, which names no parameter`)
  return { kind: 'parameter', name: inner }
}

function fill(piece: Piece, input: TemplateInput, check: ((value: string) => void) | undefined): string | undefined {
  if (piece.kind === 'text') return piece.text
  const value = valueOf(piece, input)
  if (value !== undefined) check?.(value)
  return value
}

function valueOf(piece: Exclude<Piece, { kind: 'text' }>, input: TemplateInput): string | undefined {
  if (piece.kind === 'parameter') {
    return Object.hasOwn(input.parameters, piece.name) ? input.parameters[piece.name] : undefined
  }
  const { expression } = piece
  return asText(evaluate(expression, expression.source === 'payload' ? input.payload() : input.headers))
}

function syntaxError(template: string, what: string): EdgeError {
  return new EdgeError('document-invalid', `The template ${JSON.stringify(template)} has ${what}.`, {
    hint: 'Templates hold {parameter}, {$message.payload#/path} or {$message.header#/name}.',
  })
}

import { EdgeError } from '../../core/errors.ts'
import { asText, evaluate, parseExpression, type RuntimeExpression } from './parse-expression.ts'

/** What a template is filled in from. */
export interface TemplateInput {
  readonly parameters: Readonly<Record<string, string>>
  /** The decoded payload; called only if the template needs it. */
  readonly payload: () => unknown
  readonly headers: Readonly<Record<string, string>>
}

/** A template of `x-bridge` or of a route, ready to be filled in. */
export interface Template {
  /** The text; undefined where a value is missing or is not text, number or boolean. `check` sees each value that is filled in. */
  render(input: TemplateInput, check?: (value: string) => void): string | undefined
  readonly needsPayload: boolean
  /** It depends on more than the topic: on payload or headers. */
  readonly usesMessage: boolean
  readonly isConstant: boolean
  /** Names of the address parameters that it uses. */
  readonly parameters: readonly string[]
}

type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'expression'; readonly expression: RuntimeExpression }

/**
 * `{param}` and runtime expressions in braces, `{$message.payload#/sensorId}`; a template that is one expression alone
 * may omit them. Throws EdgeError `document-invalid` where the syntax is wrong.
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
  // Without braces only a whole expression is one: `$message.payload#/id-x` beside other text would be taken literally.
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
  // Whatever may stand in an address: `{device id}` is a parameter there too.
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

import { EdgeError, type Place } from '../core/errors.ts'
import { pointerOf, referenceIn, resolvePointer } from './resolve-reference.ts'
import { escapeSegment } from './schema-keywords.ts'

const MAX_ERRORS = 100

/**
 * Every `$ref` of a document that leaves it or leads nowhere. Examples and unknown keywords count too: tools that
 * resolve a document follow those just as well, and would open files and connections.
 */
export function checkReferences(root: unknown, placeOf: (pointer: string) => Place): EdgeError[] {
  const errors: EdgeError[] = []
  const seen = new Set<string>()
  const open: { value: unknown; pointer: string }[] = [{ value: root, pointer: '' }]
  for (let next = open.pop(); next !== undefined && errors.length < MAX_ERRORS; next = open.pop()) {
    const { value, pointer } = next
    if (typeof value !== 'object' || value === null) continue
    const reference = referenceIn(value)
    if (reference !== undefined && !seen.has(reference)) {
      const fault = faultOf(root, reference)
      if (fault === undefined) seen.add(reference)
      else errors.push(new EdgeError('document-reference', fault, { place: placeOf(`${pointer}/$ref`) }))
    }
    // Backwards, so that the stack gives them in the order of the text.
    for (const [key, child] of Object.entries(value).reverse()) {
      if (typeof child === 'object') open.push({ value: child, pointer: `${pointer}/${escapeSegment(key)}` })
    }
  }
  return errors
}

function faultOf(root: unknown, reference: string): string | undefined {
  const short = JSON.stringify(reference.slice(0, 200))
  const pointer = pointerOf(reference)
  if (pointer === undefined) return `The reference ${short} leaves the document.`
  return resolvePointer(root, pointer) === undefined ? `The reference ${short} leads nowhere.` : undefined
}

import { EdgeError, type Place } from '../core/errors.ts'
import { pointerOf, referenceIn, resolve } from './resolve-reference.ts'
import { escapeSegment } from './schema-keywords.ts'

const MAX_FAULTS = 100

/** A `$ref` and where it stands. */
export interface DanglingReference {
  readonly message: string
  readonly pointer: string
}

export interface ReferenceFaults {
  /** They leave the document: whoever resolves it would open files and connections. */
  readonly leaving: readonly EdgeError[]
  /** They lead nowhere, or round in a circle. */
  readonly dangling: readonly DanglingReference[]
}

/**
 * What is wrong with the `$ref`s of a document. Examples and unknown keywords count too: tools that resolve a document
 * follow those just as well.
 */
export function checkReferences(root: unknown, placeOf: (pointer: string) => Place): ReferenceFaults {
  const leaving: EdgeError[] = []
  const dangling: DanglingReference[] = []
  const sound = new Set<string>()
  const open: { value: unknown; pointer: string }[] = [{ value: root, pointer: '' }]
  for (let next = open.pop(); next !== undefined && leaving.length < MAX_FAULTS; next = open.pop()) {
    const { value, pointer } = next
    if (typeof value !== 'object' || value === null) continue
    const reference = referenceIn(value)
    if (reference !== undefined && !sound.has(reference)) {
      const short = JSON.stringify(reference.slice(0, 200))
      if (pointerOf(reference) === undefined) {
        const place = placeOf(`${pointer}/$ref`)
        leaving.push(new EdgeError('document-reference', `The reference ${short} leaves the document.`, { place }))
      } else if (resolve(root, value, pointer) !== undefined) sound.add(reference)
      else if (dangling.length < MAX_FAULTS) {
        dangling.push({ message: `The reference ${short} leads nowhere.`, pointer: `${pointer}/$ref` })
      }
    }
    // Backwards, so that the stack gives them in the order of the text.
    for (const [key, child] of Object.entries(value).reverse()) {
      if (typeof child === 'object') open.push({ value: child, pointer: `${pointer}/${escapeSegment(key)}` })
    }
  }
  return { leaving, dangling }
}

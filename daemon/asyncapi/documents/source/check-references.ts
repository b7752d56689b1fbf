import { escapeSegment } from '../../schemas/schema-keywords.ts'
import { pointerOf, referenceIn, resolve } from './resolve-reference.ts'

const MAX_FAULTS = 100

/** What is wrong with a `$ref`, and where it stands. */
export interface FaultyReference {
  readonly message: string
  readonly pointer: string
}

export interface ReferenceFaults {
  /** They leave the document: whoever resolves it would open files and connections. */
  readonly leaving: readonly FaultyReference[]
  /** They lead nowhere, or round in a circle. */
  readonly dangling: readonly FaultyReference[]
}

/**
 * What is wrong with the `$ref`s of a document. Examples and unknown keywords count too: tools that resolve a document
 * follow those just as well.
 */
export function checkReferences(root: unknown): ReferenceFaults {
  const leaving: FaultyReference[] = []
  const dangling: FaultyReference[] = []
  const sound = new Set<string>()
  const open: { value: unknown; pointer: string }[] = [{ value: root, pointer: '' }]
  for (let next = open.pop(); next !== undefined && leaving.length < MAX_FAULTS; next = open.pop()) {
    const { value, pointer } = next
    if (typeof value !== 'object' || value === null) continue
    const reference = referenceIn(value)
    if (reference !== undefined && !sound.has(reference)) {
      const short = JSON.stringify(reference.slice(0, 200))
      if (pointerOf(reference) === undefined) {
        leaving.push({ message: `The reference ${short} leaves the document.`, pointer: `${pointer}/$ref` })
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

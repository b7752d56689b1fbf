import { childOf, escapeSegment, pointerSegments } from '../../contract/json-pointer.ts'
import { pointerOf, referenceIn, resolve } from './resolve-reference.ts'

const MAX_FAULTS = 100

/** A `$ref` that cannot be followed. */
export interface FaultyReference {
  readonly message: string
  readonly pointer: string
}

export interface ReferenceFaults {
  /** They leave the document: resolving them would open files and connections. */
  readonly leaving: readonly FaultyReference[]
  /** They have no target, or form a circle. */
  readonly dangling: readonly FaultyReference[]
}

/**
 * Finds the `$ref`s of a document that cannot be followed, also in examples and unknown keywords, where the AsyncAPI parser
 * follows them as well.
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
    // In reverse, so that the stack returns them in the order of the text.
    for (const [key, child] of Object.entries(value).reverse()) {
      if (typeof child === 'object') open.push({ value: child, pointer: `${pointer}/${escapeSegment(key)}` })
    }
  }
  return { leaving, dangling }
}

/** An item of a list of examples. */
interface Item {
  readonly list: unknown[]
  readonly index: number
}

/**
 * Removes from a document the examples that contain these references: examples are for people, and channels and messages
 * are complete without them. Returns false, and changes nothing, if a reference is not in an example.
 */
export function leaveOutExamples(root: unknown, references: readonly FaultyReference[]): boolean {
  const items = new Map<string, Item>()
  for (const { pointer } of references) {
    const found = exampleAt(root, pointerSegments(pointer))
    if (found === undefined) return false
    items.set(found.pointer, found)
  }
  for (const { list, index } of [...items.values()].sort((a, b) => b.index - a.index)) list.splice(index, 1)
  return true
}

/** The example around a place. Only lists count: anything else named `examples` may be a channel or a property. */
function exampleAt(root: unknown, segments: readonly string[]): (Item & { pointer: string }) | undefined {
  let value = root
  for (const [depth, segment] of segments.entries()) {
    if (segments[depth - 1] === 'examples' && Array.isArray(value))
      return { list: value, index: Number(segment), pointer: segments.slice(0, depth + 1).join('/') }
    value = childOf(value, segment)
  }
  return undefined
}

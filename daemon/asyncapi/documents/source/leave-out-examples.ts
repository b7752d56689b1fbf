import { childOf, pointerSegments } from '../../contract/json-pointer.ts'
import type { FaultyReference } from './check-references.ts'

interface Item {
  readonly list: unknown[]
  readonly index: number
}

/**
 * Takes the examples in which references stand out of a document; answers false, and changes nothing, where one stands elsewhere.
 * Examples are for people: one that stands in another file takes nothing from channels and messages. Those behind it move up.
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

/** Only a list counts: what else is called examples may be a channel or a property. */
function exampleAt(root: unknown, segments: readonly string[]): (Item & { pointer: string }) | undefined {
  let value = root
  for (const [depth, segment] of segments.entries()) {
    if (segments[depth - 1] === 'examples' && Array.isArray(value))
      return { list: value, index: Number(segment), pointer: segments.slice(0, depth + 1).join('/') }
    value = childOf(value, segment)
  }
  return undefined
}

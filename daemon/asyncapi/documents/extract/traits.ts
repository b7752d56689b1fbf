import { isRecord } from '../../contract/json-pointer.ts'
import { referenceIn, resolve } from '../source/resolve-reference.ts'
import type { Extraction, Located } from './extraction.ts'

/**
 * Merges the traits of an operation or message into it (JSON Merge Patch, RFC 7386). In 2.x a trait overwrites the object's
 * own field; in 3.x the own field wins. Of two traits the later one wins.
 */
export function applyTraits(extraction: Extraction, target: Located): Located {
  const { traits, ...own } = target.value
  if (!Array.isArray(traits)) return target
  const merge = (base: unknown, patch: unknown): unknown => mergePatch(extraction, base, patch)
  const all = traits.flatMap((trait: unknown, index) => {
    // 2.x allows a trait of the form [name, parameters].
    const found = extraction.object(Array.isArray(trait) ? trait[0] : trait, `${target.pointer}/traits/${index}`)
    return found === undefined ? [] : [found.value]
  })
  const merged = extraction.isV2 ? all.reduce<unknown>(merge, own) : merge(all.reduce<unknown>(merge, {}), own)
  return { value: isRecord(merged) ? merged : own, pointer: target.pointer }
}

function mergePatch(extraction: Extraction, base: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  if (!isRecord(base)) return withoutNulls(patch)
  if (base === patch) return base
  // References are followed first, as only objects can be merged.
  const left = referenceIn(base) === undefined ? base : resolve(extraction.root, base, '')?.value
  const right = referenceIn(patch) === undefined ? patch : resolve(extraction.root, patch, '')?.value
  if (!isRecord(left) || !isRecord(right)) return right
  extraction.spend(1)
  const merged = new Map(Object.entries(left))
  for (const [key, value] of Object.entries(right)) {
    if (value === null) merged.delete(key)
    else merged.set(key, merged.has(key) ? mergePatch(extraction, merged.get(key), value) : value)
  }
  return Object.fromEntries(merged)
}

function withoutNulls(patch: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== null))
}

import type { Located } from './located.ts'

/** Maps merge key by key; everything else, lists too, is replaced by the later layer. */
export function mergeLayers(lower: Located, upper: Located): Located {
  if (lower.kind !== 'map' || upper.kind !== 'map') return upper
  const entries = new Map(lower.entries)
  for (const [key, entry] of upper.entries) {
    const below = entries.get(key)
    entries.set(key, below === undefined ? entry : { ...entry, value: mergeLayers(below.value, entry.value) })
  }
  return { kind: 'map', entries, spot: upper.spot }
}

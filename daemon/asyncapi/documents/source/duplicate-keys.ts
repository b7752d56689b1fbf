import { isMap, isPair, isScalar, isSeq } from 'yaml'

export interface DuplicateKey {
  readonly key: string
  /** Characters from the beginning of the text. */
  readonly offset: number
}

/** Keys that stand twice in one map; in linear time, where the YAML parser's own check is quadratic. */
export function findDuplicateKeys(root: unknown): DuplicateKey[] {
  const found: DuplicateKey[] = []
  const open: unknown[] = [root]
  while (open.length > 0) {
    const node = open.pop()
    if (isSeq(node)) for (const item of node.items) open.push(item)
    if (isPair(node)) open.push(node.value)
    if (!isMap(node)) continue
    const keys = new Set<string>()
    for (const { key, value } of node.items) {
      open.push(value)
      if (!isScalar(key)) continue
      const name = String(key.value)
      // A merge key may stand several times.
      if (keys.has(name) && name !== '<<') found.push({ key: name, offset: key.range?.[0] ?? 0 })
      keys.add(name)
    }
  }
  return found.sort((a, b) => a.offset - b.offset)
}

/** One message as the destination logged it. */
export interface Arrival {
  id: string
  source: number
  n: number
}

export interface Acknowledged {
  source: number
  acknowledged: readonly number[]
}

export interface Verdict {
  /** `source/n` that were acknowledged and never arrived. */
  lost: string[]
  /** First occurrences that came after a later one of the same source. */
  inversions: string[]
  /** Arrivals that were there before, under whatever id. */
  duplicates: number
  /** The same, once a consumer has left out every id that it knew. */
  leftAfterDeduplication: number
  /** Ids that stand for two different messages. */
  sharedIds: string[]
}

/** Acknowledged ⊆ delivered, order, duplicates, ids. */
export function check(publishers: readonly Acknowledged[], arrivals: readonly Arrival[]): Verdict {
  const verdict: Verdict = { lost: [], inversions: [], duplicates: 0, leftAfterDeduplication: 0, sharedIds: [] }
  const arrived = new Set<string>()
  const byId = new Map<string, string>()
  const highest = new Map<number, number>()
  for (const { id, source, n } of arrivals) {
    const name = `${source}/${n}`
    const known = byId.get(id)
    if (known !== undefined && known !== name) verdict.sharedIds.push(id)
    if (arrived.has(name)) {
      verdict.duplicates++
      if (known === undefined) verdict.leftAfterDeduplication++
    } else {
      if (n < (highest.get(source) ?? 0)) verdict.inversions.push(name)
      highest.set(source, Math.max(n, highest.get(source) ?? 0))
    }
    byId.set(id, name)
    arrived.add(name)
  }
  for (const { source, acknowledged } of publishers) {
    for (const n of acknowledged) if (!arrived.has(`${source}/${n}`)) verdict.lost.push(`${source}/${n}`)
  }
  return verdict
}

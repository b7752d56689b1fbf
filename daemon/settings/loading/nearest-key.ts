/** The known key that is most similar to a misspelled one; undefined if none is similar. */
export function nearestKey(key: string, known: Iterable<string>): string | undefined {
  // Two swapped letters are two edits.
  const limit = key.length < 4 ? 1 : Math.max(2, Math.floor(key.length / 3))
  let best: string | undefined
  let bestDistance = limit + 1
  for (const candidate of known) {
    const distance = editDistance(simplify(key), simplify(candidate))
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** `max_packet_size` and `max-packet-size` are near to `maxPacketSize`. */
function simplify(key: string): string {
  return key
    .slice(0, 100)
    .toLowerCase()
    .replace(/[-_. ]/g, '')
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * True if a JSON text nests deeper than `cap`, seen before it is parsed. One pass over the bytes, a second one only
 * where there are more opening brackets than that at all.
 */
export function nestsDeeper(bytes: Uint8Array, cap: number): boolean {
  if (bytes.length < 2 * cap) return false
  let openings = 0
  for (let index = 0; index < bytes.length; index++) {
    // `[` and `{` differ in one bit.
    if (((bytes[index] ?? 0) | 0x20) === 0x7b) openings++
  }
  return openings > cap && deepest(bytes, cap) > cap
}

function deepest(bytes: Uint8Array, cap: number): number {
  let depth = 0
  let inText = false
  for (let index = 0; index < bytes.length && depth <= cap; index++) {
    const byte = bytes[index] ?? 0
    if (inText) {
      if (byte === BACKSLASH) index++
      else if (byte === QUOTE) inText = false
    } else if (byte === QUOTE) inText = true
    else if ((byte | 0x20) === 0x7b) depth++
    else if ((byte | 0x20) === 0x7d) depth--
  }
  return depth
}

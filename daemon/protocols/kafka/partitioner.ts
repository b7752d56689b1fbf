const SEED = 0x9747b28c
const M = 0x5bd1e995

/** The partition that Kafka's Java client chooses for this key. */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

/** org.apache.kafka.common.utils.Utils.murmur2 of the key's UTF-8 bytes, as a signed 32-bit number. */
export function murmur2(key: string): number {
  // Keys are nearly always ASCII, whose bytes can be read from the string without a buffer; others are converted first.
  const bytes = isAscii(key) ? key : Buffer.from(key, 'utf8').toString('latin1')
  const { length } = bytes
  let hash = SEED ^ length
  let index = 0
  for (; index + 4 <= length; index += 4) {
    const low = bytes.charCodeAt(index) | (bytes.charCodeAt(index + 1) << 8)
    let k = low | (bytes.charCodeAt(index + 2) << 16) | (bytes.charCodeAt(index + 3) << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    hash = Math.imul(hash, M) ^ Math.imul(k, M)
  }
  const rest = length - index
  if (rest === 3) hash ^= bytes.charCodeAt(index + 2) << 16
  if (rest >= 2) hash ^= bytes.charCodeAt(index + 1) << 8
  if (rest >= 1) hash = Math.imul(hash ^ bytes.charCodeAt(index), M)
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 127) return false
  return true
}

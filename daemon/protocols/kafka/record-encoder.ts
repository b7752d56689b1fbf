import type { OutgoingMessage } from '../protocol-adapter.ts'

/** Kafka's mark for a record without a time; the broker neither checks nor fills it. */
export const NO_TIMESTAMP = -1

/** Bytes that a record needs at most beside its key, value and headers: six numbers. */
const FRAME_BYTES = 32
/** Two lengths before the name and the value of a header. */
const HEADER_FRAME_BYTES = 10
const MAX_CACHED_NAMES = 256

export interface EncodedRecords {
  /** The records of a batch of format 2, one after the other. */
  readonly bytes: Buffer
  /** What the time of each record is counted from: the latest of them. */
  readonly baseTimestamp: number
}

/** Encodes records as Kafka stores them in a batch of format 2: varints, zig-zag, key, value, headers. */
export class RecordEncoder {
  /** Names of headers repeat in every message: their length and bytes are kept as they are written. */
  private readonly names = new Map<string, Buffer>()

  /** `messages[index]` for each index. */
  encode(messages: readonly OutgoingMessage[], indices: readonly number[]): EncodedRecords {
    let baseTimestamp = NO_TIMESTAMP
    let size = 0
    for (const index of indices) {
      const message = messages[index]
      if (message === undefined) continue
      baseTimestamp = Math.max(baseTimestamp, message.timestampMs ?? NO_TIMESTAMP)
      size += largestSize(message)
    }
    const bytes = Buffer.allocUnsafe(size)
    let end = 0
    let offsetDelta = 0
    for (const index of indices) {
      const message = messages[index]
      if (message === undefined) continue
      end = this.writeRecord(bytes, end, message, offsetDelta, (message.timestampMs ?? NO_TIMESTAMP) - baseTimestamp)
      offsetDelta += 1
    }
    return { bytes: bytes.subarray(0, end), baseTimestamp }
  }

  /** The length stands before the body: the body is written behind room for it, and moved up if fewer bytes were needed. */
  private writeRecord(
    to: Buffer,
    start: number,
    message: OutgoingMessage,
    offsetDelta: number,
    timestampDelta: number,
  ): number {
    const bodyStart = start + 5
    let at = bodyStart
    to[at++] = 0 // attributes: none defined
    at = writeVarint(to, at, timestampDelta)
    at = writeVarint(to, at, offsetDelta)
    at = message.key === null ? writeVarint(to, at, -1) : writeText(to, at, message.key)
    at = writeBytes(to, at, message.payload)
    at = this.writeHeaders(to, at, message.headers)
    const afterLength = writeVarint(to, start, at - bodyStart)
    to.copyWithin(afterLength, bodyStart, at)
    return at - (bodyStart - afterLength)
  }

  private writeHeaders(to: Buffer, start: number, headers: OutgoingMessage['headers']): number {
    const names = Object.keys(headers)
    let at = writeVarint(to, start, names.length)
    for (const name of names) {
      const encoded = this.names.get(name) ?? this.encodeName(name)
      to.set(encoded, at)
      at += encoded.length
      const value = headers[name] ?? ''
      at = typeof value === 'string' ? writeText(to, at, value) : writeBytes(to, at, value)
    }
    return at
  }

  private encodeName(name: string): Buffer {
    const bytes = Buffer.allocUnsafe(HEADER_FRAME_BYTES + name.length * 3)
    const encoded = bytes.subarray(0, writeText(bytes, 0, name))
    // Names that devices choose are unbounded; the usual dozen is not.
    if (this.names.size < MAX_CACHED_NAMES) this.names.set(name, encoded)
    return encoded
  }
}

function largestSize(message: OutgoingMessage): number {
  const { headers } = message
  let size = FRAME_BYTES + (message.key === null ? 0 : message.key.length * 3) + message.payload.byteLength
  for (const name of Object.keys(headers)) {
    const value = headers[name] ?? ''
    size += HEADER_FRAME_BYTES + name.length * 3 + (typeof value === 'string' ? value.length * 3 : value.length)
  }
  return size
}

function writeText(to: Buffer, start: number, text: string): number {
  const length = Buffer.byteLength(text)
  const at = writeVarint(to, start, length)
  to.write(text, at)
  return at + length
}

function writeBytes(to: Buffer, start: number, bytes: Uint8Array): number {
  const at = writeVarint(to, start, bytes.byteLength)
  to.set(bytes, at)
  return at + bytes.byteLength
}

/** Zig-zag, then seven bits a byte. Safe for any integer a double holds, as times are beyond 32 bits. */
function writeVarint(to: Buffer, start: number, value: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  let at = start
  while (rest > 127) {
    to[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  to[at++] = rest
  return at
}

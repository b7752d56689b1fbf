import type { OutgoingMessage } from '../adapter.ts'

/** Kafka's mark for a record without a time; the broker neither checks nor fills it. */
export const NO_TIMESTAMP = -1

/** The most bytes that a record needs beside its key, value and headers: six numbers. */
const FRAME_BYTES = 32
/** Two lengths before the name and the value of a header. */
const HEADER_FRAME_BYTES = 10
const MAX_CACHED_NAMES = 256
const START_BYTES = 64 * 1024

export interface EncodedRecords {
  /** The records of a batch of format 2, one after the other. */
  readonly bytes: Buffer
  /** The latest time of the records; each record holds its difference to it. */
  readonly baseTimestamp: number
}

/** Encodes records as Kafka stores them in a batch of format 2: varints, zig-zag, key, value, headers. */
export class RecordEncoder {
  /** Encoded names of headers, because they repeat in every message. */
  private readonly names = new Map<string, Buffer>()
  private buffer = Buffer.allocUnsafeSlow(START_BYTES)

  /** Encodes `messages[index]` for each index. Each property of a message is read once, because reading it renders it. */
  encode(messages: readonly OutgoingMessage[], indices: readonly number[], isTimeless = false): EncodedRecords {
    let baseTimestamp = NO_TIMESTAMP
    if (!isTimeless)
      for (const index of indices) baseTimestamp = Math.max(baseTimestamp, messages[index]?.timestampMs ?? NO_TIMESTAMP)
    let end = 0
    let offsetDelta = 0
    for (const index of indices) {
      const message = messages[index]
      if (message === undefined) continue
      const { key, payload, headers, timestampMs } = message
      this.makeRoom(end, largestSize(key, payload, headers))
      const timestampDelta = isTimeless ? 0 : (timestampMs ?? NO_TIMESTAMP) - baseTimestamp
      end = this.writeRecord(this.buffer, end, { key, payload, headers }, offsetDelta, timestampDelta)
      offsetDelta += 1
    }
    // A copy, because the next batch is written over the buffer while this one is being sent.
    return { bytes: Buffer.from(this.buffer.subarray(0, end)), baseTimestamp }
  }

  private makeRoom(end: number, bytes: number): void {
    if (end + bytes <= this.buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.buffer.length, end + bytes))
    this.buffer.copy(larger, 0, 0, end)
    this.buffer = larger
  }

  /** The length comes before the body: the body is written behind room for it, and moved when the length takes fewer bytes. */
  private writeRecord(
    to: Buffer,
    start: number,
    message: Pick<OutgoingMessage, 'key' | 'payload' | 'headers'>,
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
    // Devices may use any number of names; the usual dozen is cached.
    if (this.names.size < MAX_CACHED_NAMES) this.names.set(name, encoded)
    return encoded
  }
}

function largestSize(
  key: string | null,
  payload: Uint8Array,
  headers: Readonly<Record<string, string | Buffer>>,
): number {
  let size = FRAME_BYTES + (key === null ? 0 : key.length * 3) + payload.byteLength
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

/** Zig-zag, then seven bits a byte. Exact for any integer that a double holds, because times are beyond 32 bits. */
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

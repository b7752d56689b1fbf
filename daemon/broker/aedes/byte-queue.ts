const NOTHING = Buffer.alloc(0)

/**
 * Bytes of one connection that have come and are not parsed yet: what mqtt-packet asks of `bl`, which makes a Buffer for each byte
 * that is read and each that is passed over, nine for a PUBLISH, where only the payload needs one. Positions count from the first
 * byte that is not consumed. Reading behind the end throws a RangeError, as a Buffer does.
 */
export class ByteQueue {
  length = 0
  private readonly chunks: Buffer[] = []
  /** Consumed bytes of the first chunk. */
  private consumed = 0

  append(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.chunks.push(chunk)
    this.length += chunk.length
  }

  readUInt8(at: number): number {
    const byte = this.chunks[0]?.[this.consumed + at]
    return byte ?? this.slice(at, at + 1).readUInt8(0)
  }

  readUInt16BE(at: number): number {
    return this.readUInt8(at) * 256 + this.readUInt8(at + 1)
  }

  readUInt32BE(at: number): number {
    return this.slice(at, at + 4).readUInt32BE(0)
  }

  toString(encoding: BufferEncoding, from: number, to: number): string {
    const first = this.chunks[0]
    if (first !== undefined && this.consumed + to <= first.length)
      return first.toString(encoding, this.consumed + from, this.consumed + to)
    return this.slice(from, to).toString(encoding)
  }

  /** Up to `to` or the end, whichever comes first; shares memory with what was appended, unless it lies in several pieces. */
  slice(from: number, to: number): Buffer {
    const end = Math.min(to, this.length)
    if (from >= end) return NOTHING
    const first = this.chunks[0]
    if (first !== undefined && this.consumed + end <= first.length)
      return first.subarray(this.consumed + from, this.consumed + end)
    return this.gather(from, end)
  }

  /** All that there is, if `count` is more. */
  consume(count: number): void {
    const passed = Math.min(count, this.length)
    this.consumed += passed
    this.length -= passed
    for (let first = this.chunks[0]; first !== undefined && this.consumed >= first.length; first = this.chunks[0]) {
      this.consumed -= first.length
      this.chunks.shift()
    }
  }

  private gather(from: number, to: number): Buffer {
    const pieces: Buffer[] = []
    let start = -this.consumed
    for (const chunk of this.chunks) {
      const end = start + chunk.length
      if (end > from && start < to) pieces.push(chunk.subarray(Math.max(0, from - start), to - start))
      start = end
    }
    return pieces.length === 1 ? (pieces[0] ?? NOTHING) : Buffer.concat(pieces)
  }
}

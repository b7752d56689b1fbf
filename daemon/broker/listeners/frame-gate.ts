import type { Duplex } from 'node:stream'

/**
 * Closes a connection as soon as a packet's header declares more than `maxBytes`, fixed header included (MQTT 3.1.1, 2.2.3): the
 * parser would buffer all that was declared, even before CONNECT. Wraps `read` of the stream, through which every byte is taken.
 */
export function gateFrames(socket: Duplex, maxBytes: number, onTooLarge: (declaredBytes: number) => void): void {
  const read = socket.read.bind(socket)
  const gate = new FrameGate(maxBytes)
  socket.read = (size?: number): unknown => {
    const chunk: unknown = read(size)
    if (!Buffer.isBuffer(chunk)) return chunk
    const declared = gate.check(chunk)
    if (declared === undefined) return chunk
    onTooLarge(declared)
    socket.destroy()
    return null
  }
}

/** Follows the packets of one connection, in whatever chunks they arrive. */
export class FrameGate {
  private readonly maxBytes: number
  /** Bytes of the current packet's body that are still to come. */
  private body = 0
  /** Position in the fixed header: 0 before its first byte, then 1 and up for its length bytes. */
  private headerBytes = 0
  private length = 0
  private multiplier = 1

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** Returns the declared bytes of a packet that is too large. A malformed length is left to the parser. */
  check(chunk: Buffer): number | undefined {
    let at = 0
    while (at < chunk.length) {
      if (this.body > 0) {
        const step = Math.min(this.body, chunk.length - at)
        this.body -= step
        at += step
        continue
      }
      const byte = chunk[at++] ?? 0
      if (this.headerBytes++ === 0) continue
      this.length += (byte & 0x7f) * this.multiplier
      this.multiplier *= 128
      if ((byte & 0x80) !== 0 && this.headerBytes < 5) continue
      const total = this.length + this.headerBytes
      if (total > this.maxBytes) return total
      this.body = this.length
      this.headerBytes = 0
      this.length = 0
      this.multiplier = 1
    }
    return undefined
  }
}

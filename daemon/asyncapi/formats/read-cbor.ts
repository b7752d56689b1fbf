import { isUtf8 } from 'node:buffer'
import { asBuffer } from '../../core/bytes.ts'
import type { PayloadLimits } from './payload-format.ts'

/** Thrown for bytes that are not CBOR, or that have no JSON value. */
export class CborFault extends Error {}

const MAX_BIGNUM_BYTES = 128

/**
 * Reads one CBOR item (RFC 8949) as a JSON value, by section 6.1: integers of any size become numbers; bytes become
 * base64url, or base64 or hex as tag 22 or 23 asks; keys may be texts or integers; undefined becomes null. Lengths are
 * checked against the remaining bytes before anything is allocated. Throws CborFault.
 */
export function readCbor(bytes: Uint8Array, limits: PayloadLimits): unknown {
  const reader = new Reader(asBuffer(bytes), limits)
  return reader.readAll()
}

type BytesAs = 'base64url' | 'base64' | 'hex'
const BREAK = Symbol('break')

class Reader {
  private readonly bytes: Buffer
  private readonly limits: PayloadLimits
  private at = 0

  constructor(bytes: Buffer, limits: PayloadLimits) {
    this.bytes = bytes
    this.limits = limits
  }

  readAll(): unknown {
    if (this.bytes.length > this.limits.maxBytes) throw new CborFault(`more than ${this.limits.maxBytes} bytes`)
    const value = this.item(0, 'base64url')
    if (this.at !== this.bytes.length) throw new CborFault('bytes after the end')
    return value
  }

  private item(depth: number, as: BytesAs): unknown {
    const value = this.next(depth, as)
    if (value === BREAK) throw new CborFault('a break that ends nothing')
    return value
  }

  private next(depth: number, as: BytesAs): unknown {
    if (depth > this.limits.maxDepth) throw new CborFault(`more than ${this.limits.maxDepth} levels`)
    const first = this.readBytes(1)[0] ?? 0
    const major = first >> 5
    const info = first & 31
    if (major === 7) return this.simple(info)
    const length = info === 31 ? undefined : this.argument(info)
    if (length === undefined && (major < 2 || major === 6)) throw new CborFault('an open length')
    switch (major) {
      case 0:
        return length
      case 1:
        return -1 - (length ?? 0)
      case 2:
        return this.string(2, length).toString(as)
      case 3:
        return this.text(length)
      case 4:
        return this.list(length, depth, as)
      case 5:
        return this.map(length, depth, as)
      default:
        return this.tagged(length ?? 0, depth, as)
    }
  }

  private argument(info: number): number {
    if (info < 24) return info
    if (info === 24) return this.readBytes(1).readUInt8()
    if (info === 25) return this.readBytes(2).readUInt16BE()
    if (info === 26) return this.readBytes(4).readUInt32BE()
    if (info === 27) return Number(this.readBytes(8).readBigUInt64BE())
    throw new CborFault('a reserved length')
  }

  private simple(info: number): unknown {
    if (info === 20 || info === 21) return info === 21
    if (info === 22 || info === 23) return null
    if (info === 25) return halfFloat(this.readBytes(2).readUInt16BE())
    if (info === 26) return this.readBytes(4).readFloatBE()
    if (info === 27) return this.readBytes(8).readDoubleBE()
    if (info === 31) return BREAK
    throw new CborFault('an unknown simple value')
  }

  /** The bytes of a byte or text string, in one piece or in several (RFC 8949, section 3.2.3). */
  private string(major: number, length: number | undefined): Buffer {
    if (length !== undefined) return this.readBytes(length)
    const pieces: Buffer[] = []
    for (;;) {
      const first = this.readBytes(1)[0] ?? 0
      if (first === 0xff) return Buffer.concat(pieces)
      if (first >> 5 !== major || (first & 31) === 31) throw new CborFault('a piece of another kind')
      pieces.push(this.readBytes(this.argument(first & 31)))
    }
  }

  private text(length: number | undefined): string {
    const bytes = this.string(3, length)
    if (!isUtf8(bytes)) throw new CborFault('a text that is not UTF-8')
    return bytes.toString('utf8')
  }

  private list(length: number | undefined, depth: number, as: BytesAs): unknown[] {
    this.expectItems(length ?? 0)
    const items: unknown[] = []
    for (let count = 0; count < (length ?? Infinity); count++) {
      const value = this.next(depth + 1, as)
      if (value === BREAK && length === undefined) break
      if (value === BREAK) throw new CborFault('a break inside a list')
      items.push(value)
    }
    return items
  }

  private map(length: number | undefined, depth: number, as: BytesAs): Record<string, unknown> {
    this.expectItems(2 * (length ?? 0))
    const entries = new Map<string, unknown>()
    for (let count = 0; count < (length ?? Infinity); count++) {
      const key = this.next(depth + 1, as)
      if (key === BREAK && length === undefined) break
      if (typeof key !== 'string' && !Number.isInteger(key)) throw new CborFault('a key that is no text or integer')
      const name = String(key)
      if (entries.has(name)) throw new CborFault('a repeated key')
      entries.set(name, this.item(depth + 1, as))
    }
    // fromEntries defines own properties, so a key named __proto__ survives.
    return Object.fromEntries(entries)
  }

  private tagged(tag: number, depth: number, as: BytesAs): unknown {
    if (tag === 2 || tag === 3) return this.bignum(tag === 3, depth)
    const inside = tag === 21 ? 'base64url' : tag === 22 ? 'base64' : tag === 23 ? 'hex' : as
    return this.item(depth + 1, inside)
  }

  private bignum(isNegative: boolean, depth: number): number {
    const hex = this.item(depth + 1, 'hex')
    if (typeof hex !== 'string' || !/^[0-9a-f]*$/.test(hex) || hex.length > 2 * MAX_BIGNUM_BYTES) {
      throw new CborFault('a large number that is none')
    }
    const value = BigInt(`0x${hex || '0'}`)
    return Number(isNegative ? -1n - value : value)
  }

  /** Throws unless that many items can follow: each takes at least one byte. */
  private expectItems(items: number): void {
    if (items > this.bytes.length - this.at) throw new CborFault('an early end')
  }

  private readBytes(length: number): Buffer {
    this.expectItems(length)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }
}

function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

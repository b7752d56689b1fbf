import { isUtf8 } from 'node:buffer'
import { asBuffer } from '../../core/bytes.ts'
import type { AvroType } from './avro-type.ts'
import { MAX_PAYLOAD_BYTES, MAX_PAYLOAD_DEPTH, pointerTo, SchemaMismatch } from './schema-language.ts'

/** How many values without bytes (null, empty records) a payload may hold, beside one value for each byte. */
const FREE_VALUES = 10_000

/**
 * Reads an Avro datum in binary encoding; it must use all of the bytes. Unions are unwrapped, and bytes become ISO 8859-1
 * texts, as in Avro's JSON encoding. Declared counts and lengths are checked against the remaining bytes before anything
 * is allocated. Throws SchemaMismatch.
 */
export function readAvro(type: AvroType, payload: Uint8Array): unknown {
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new SchemaMismatch('', 'limit', `at most ${MAX_PAYLOAD_BYTES} bytes`, `${payload.length} bytes`)
  }
  const reader = new Reader(asBuffer(payload))
  const value = reader.read(type, '', 0)
  if (reader.left > 0) throw new SchemaMismatch('', 'format', 'one Avro datum', `${reader.left} bytes more`)
  return value
}

class Reader {
  private readonly bytes: Buffer
  private at = 0
  private values: number

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.values = bytes.length + FREE_VALUES
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  read(type: AvroType, pointer: string, depth: number): unknown {
    if (depth > MAX_PAYLOAD_DEPTH) throw limit(pointer, `at most ${MAX_PAYLOAD_DEPTH} levels`)
    if (--this.values < 0) throw limit(pointer, 'fewer values')
    switch (type.kind) {
      case 'null':
        return null
      case 'boolean':
        return this.boolean(pointer)
      case 'int':
        return this.int(pointer)
      case 'long':
        return Number(this.long(pointer))
      case 'float':
        return this.readBytes(4, pointer).readFloatLE()
      case 'double':
        return this.readBytes(8, pointer).readDoubleLE()
      case 'bytes':
        return this.readBytes(this.length(pointer), pointer).toString('latin1')
      case 'fixed':
        return this.readBytes(type.size, pointer).toString('latin1')
      case 'string':
        return this.text(pointer)
      case 'enum':
        return this.choice(type.symbols, 'enum', pointer)
      case 'union':
        return this.read(this.choice(type.branches(), 'union', pointer), pointer, depth + 1)
      case 'array':
        return this.list(type, pointer, depth)
      case 'map':
        return this.map(type, pointer, depth)
      default:
        return Object.fromEntries(
          type.fields().map((field) => [field.name, this.read(field.type, pointerTo(pointer, field.name), depth + 1)]),
        )
    }
  }

  private boolean(pointer: string): boolean {
    const byte = this.readBytes(1, pointer)[0] ?? 0
    if (byte > 1) throw new SchemaMismatch(pointer, 'type', 'boolean', `byte ${byte}`)
    return byte === 1
  }

  private int(pointer: string): number {
    const value = this.long(pointer)
    if (value < -(2n ** 31n) || value >= 2n ** 31n) {
      throw new SchemaMismatch(pointer, 'type', 'int of 32 bits', String(value))
    }
    return Number(value)
  }

  /** A zigzag varint: seven bits a byte, the lowest first. */
  private long(pointer: string): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.readBytes(1, pointer)[0] ?? 0
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
    }
    throw new SchemaMismatch(pointer, 'format', 'a number of at most 10 bytes', 'a longer one')
  }

  private length(pointer: string): number {
    const length = Number(this.long(pointer))
    if (length < 0) throw new SchemaMismatch(pointer, 'format', 'a length', String(length))
    return length
  }

  private text(pointer: string): string {
    const bytes = this.readBytes(this.length(pointer), pointer)
    if (!isUtf8(bytes)) throw new SchemaMismatch(pointer, 'type', 'string in UTF-8', 'other bytes')
    return bytes.toString('utf8')
  }

  private choice<T>(choices: readonly T[], keyword: string, pointer: string): T {
    const index = this.long(pointer)
    const found = index < 0n ? undefined : choices[Number(index)]
    if (found === undefined) {
      throw new SchemaMismatch(pointer, keyword, `an index below ${choices.length}`, String(index))
    }
    return found
  }

  private list(type: AvroType, pointer: string, depth: number): unknown[] {
    const items: unknown[] = []
    this.blocks(pointer, () => items.push(this.read(itemsOf(type), pointerTo(pointer, items.length), depth + 1)))
    return items
  }

  private map(type: AvroType, pointer: string, depth: number): Record<string, unknown> {
    const entries: [string, unknown][] = []
    this.blocks(pointer, () => {
      const key = this.text(pointer)
      entries.push([key, this.read(itemsOf(type), pointerTo(pointer, key), depth + 1)])
    })
    return Object.fromEntries(entries)
  }

  /** Arrays and maps are blocks of a count and items; a negative count is followed by the size of the block in bytes. */
  private blocks(pointer: string, each: () => void): void {
    for (;;) {
      const given = Number(this.long(pointer))
      if (given === 0) return
      if (given < 0) this.long(pointer)
      const count = Math.abs(given)
      if (count > this.values) throw limit(pointer, 'fewer items')
      for (let index = 0; index < count; index++) each()
    }
  }

  private readBytes(length: number, pointer: string): Buffer {
    if (length > this.left) {
      throw new SchemaMismatch(pointer, 'format', `${length} bytes more`, `${this.left} bytes`)
    }
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }
}

function itemsOf(type: AvroType): AvroType {
  const items = type.items()
  if (items === undefined) throw new TypeError(`${type.kind} has no items`)
  return items
}

function limit(pointer: string, expected: string): SchemaMismatch {
  return new SchemaMismatch(pointer, 'limit', expected, 'more')
}

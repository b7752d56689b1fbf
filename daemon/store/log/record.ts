/**
 * One stored message, as bytes in the body of a block. Little endian:
 *
 *     u32 length of what follows the checksum · u32 CRC-32 of it
 *     u8 format (1) · u8 flags · u16 client id bytes · u16 topic bytes · u16 header bytes · u32 plan
 *     f64 sequence · f64 running ms at receipt · f64 wall ms at receipt · f64 running ms of expiry (0 never)
 *     client id · topic · headers (JSON) · payload
 *
 * The plan names document version, message, lane and destinations as they were when the message was accepted; the
 * block that holds the record names boot and store id. The checksum is zlib's CRC-32, the one that Node computes natively.
 */
import { crc32 } from 'node:zlib'
import type { Headers } from '../../core/message.ts'

const FORMAT = 1
const PREFIX = 8
const FIXED = 44
export const RECORD_OVERHEAD = PREFIX + FIXED
const MAX_TEXT_BYTES = 65_535

export const FLAG_SYNCED = 1
export const FLAG_RETAIN = 2
export const FLAG_INVALID = 4
/** MQTT quality of service, two bits from here. */
export const QOS_SHIFT = 3
/** An operator has published the message again; its headers hold `replayed-at`. */
export const FLAG_REPLAYED = 32

export interface RecordInput {
  plan: number
  flags: number
  runningMs: number
  wallMs: number
  /** Running time at which the message is no longer wanted; 0 is never. */
  expiresMs: number
  clientId: string
  topic: string
  /** JSON object of text values, or ''. */
  headers: string
  payload: Uint8Array
}

export interface StoredRecord extends RecordInput {
  readonly seq: number
  /** Offset in the body of the block, at the prefix; `end` is the offset behind the record. */
  readonly start: number
  readonly end: number
}

/** Parses the headers of a record, a quarantined message or a dead letter; returns undefined if it has none. */
export function headersOf({ headers }: { headers: string }): Headers | undefined {
  return headers === '' ? undefined : (JSON.parse(headers) as Headers)
}

/** Upper bound of the bytes of a record. */
export function recordBound(input: RecordInput): number {
  return (
    RECORD_OVERHEAD + (input.clientId.length + input.topic.length + input.headers.length) * 3 + input.payload.length
  )
}

/** Returns true if client id, topic and headers fit: a record has 16 bits for the length of each. */
export function recordFits(input: RecordInput): boolean {
  return fits(input.topic) && fits(input.clientId) && fits(input.headers)
}

function fits(text: string): boolean {
  return text.length * 3 <= MAX_TEXT_BYTES || Buffer.byteLength(text) <= MAX_TEXT_BYTES
}

/**
 * Writes a record at `offset` and returns the offset behind it. The caller has checked `recordFits`, and that the buffer has room for
 * `recordBound`. The checksum is missing until `sealRecords`.
 */
export function encodeRecord(buffer: Buffer, view: DataView, offset: number, seq: number, input: RecordInput): number {
  const start = offset + PREFIX
  let at = start + FIXED
  const clientBytes = buffer.write(input.clientId, at)
  at += clientBytes
  const topicBytes = buffer.write(input.topic, at)
  at += topicBytes
  const headerBytes = input.headers === '' ? 0 : buffer.write(input.headers, at)
  at += headerBytes
  buffer.set(input.payload, at)
  at += input.payload.length
  view.setUint8(start, FORMAT)
  view.setUint8(start + 1, input.flags)
  view.setUint16(start + 2, clientBytes, true)
  view.setUint16(start + 4, topicBytes, true)
  view.setUint16(start + 6, headerBytes, true)
  view.setUint32(start + 8, input.plan, true)
  view.setFloat64(start + 12, seq, true)
  view.setFloat64(start + 20, input.runningMs, true)
  view.setFloat64(start + 28, input.wallMs, true)
  view.setFloat64(start + 36, input.expiresMs, true)
  view.setUint32(offset, at - start, true)
  return at
}

/** Writes the checksums of adjoining records. Done on the writer's thread, which spares the thread that serves devices: bench `ingest`, rate. */
export function sealRecords(body: Buffer): void {
  for (let offset = 0; offset < body.length;) {
    const start = offset + PREFIX
    const end = start + body.readUInt32LE(offset)
    body.writeUInt32LE(crc32(body.subarray(start, end)), offset + 4)
    offset = end
  }
}

export interface DecodedBlock {
  records: RecordView[]
  /** Bytes that hold no readable record: damaged on the disk. */
  damagedBytes: number
}

/** Reads every whole record of a block. A bad checksum skips one record, a damaged length all that follow. */
export function decodeBlock(body: Buffer): DecodedBlock {
  const records: RecordView[] = []
  let damagedBytes = 0
  let offset = 0
  while (offset < body.length) {
    const length = offset + PREFIX <= body.length ? body.readUInt32LE(offset) : 0
    const end = offset + PREFIX + length
    if (length < FIXED || end > body.length) return { records, damagedBytes: damagedBytes + body.length - offset }
    const record = decodeRecord(body, offset, end)
    if (record === undefined) damagedBytes += end - offset
    else records.push(record)
    offset = end
  }
  return { records, damagedBytes }
}

/** Reads the record between two offsets; returns undefined if its checksum, format or lengths are wrong. */
export function decodeRecord(body: Buffer, offset: number, end: number): RecordView | undefined {
  const start = offset + PREFIX
  if (crc32(body.subarray(start, end)) !== body.readUInt32LE(offset + 4) || body[start] !== FORMAT) return undefined
  const view = new RecordView(body, offset, end)
  return view.isWhole ? view : undefined
}

/**
 * A record whose fields are read from its block when they are asked for. Thousands of records wait for a destination's answer at a
 * time; a dozen objects for each would outlive the young generation: bench `forward`, rate and CPU a message.
 */
export class RecordView implements StoredRecord {
  readonly start: number
  readonly end: number
  private readonly body: Buffer

  constructor(body: Buffer, start: number, end: number) {
    this.body = body
    this.start = start
    this.end = end
  }

  get plan(): number {
    return this.body.readUInt32LE(this.at + 8)
  }

  get flags(): number {
    return this.body[this.at + 1] ?? 0
  }

  get seq(): number {
    return this.body.readDoubleLE(this.at + 12)
  }

  get runningMs(): number {
    return this.body.readDoubleLE(this.at + 20)
  }

  get wallMs(): number {
    return this.body.readDoubleLE(this.at + 28)
  }

  get expiresMs(): number {
    return this.body.readDoubleLE(this.at + 36)
  }

  get clientId(): string {
    const from = this.at + FIXED
    return this.body.toString('utf8', from, from + this.clientBytes)
  }

  get topic(): string {
    const from = this.at + FIXED + this.clientBytes
    return this.body.toString('utf8', from, from + this.topicBytes)
  }

  get headers(): string {
    const from = this.at + FIXED + this.clientBytes + this.topicBytes
    return this.headerBytes === 0 ? '' : this.body.toString('utf8', from, from + this.headerBytes)
  }

  get payload(): Buffer {
    return this.body.subarray(this.payloadStart, this.end)
  }

  /** The stored bytes, checksum included. */
  get encoded(): Buffer {
    return this.body.subarray(this.start, this.end)
  }

  /** True if the lengths of its parts stay within the record. */
  get isWhole(): boolean {
    return this.payloadStart <= this.end
  }

  private get at(): number {
    return this.start + PREFIX
  }

  private get clientBytes(): number {
    return this.body.readUInt16LE(this.at + 2)
  }

  private get topicBytes(): number {
    return this.body.readUInt16LE(this.at + 4)
  }

  private get headerBytes(): number {
    return this.body.readUInt16LE(this.at + 6)
  }

  private get payloadStart(): number {
    return this.at + FIXED + this.clientBytes + this.topicBytes + this.headerBytes
  }
}

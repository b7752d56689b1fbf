import type { Block } from './batch.ts'
import { encodeRecord, recordBound, type RecordInput } from './record.ts'

/** Bytes of an ordinary block; a larger message has a block of its own. */
export const BLOCK_BYTES = 256 * 1024
const POOLED_BUFFERS = 12

/** Lends shared buffers, and lends them again after their commit: allocating one takes a tenth of a millisecond (bench `one-in-flight`). */
export class BlockPool {
  private readonly free: SharedArrayBuffer[] = []

  lend(bytes: number): SharedArrayBuffer {
    if (bytes > BLOCK_BYTES) return new SharedArrayBuffer(bytes)
    return this.free.pop() ?? new SharedArrayBuffer(BLOCK_BYTES)
  }

  giveBack(buffer: SharedArrayBuffer): void {
    if (buffer.byteLength === BLOCK_BYTES && this.free.length < POOLED_BUFFERS) this.free.push(buffer)
  }
}

/** Gathers the records of one stream into blocks. */
export class BlockBuilder {
  readonly stream: number
  private readonly pool: BlockPool
  private readonly full: Block[] = []
  private shared: SharedArrayBuffer | undefined
  private buffer: Buffer = Buffer.alloc(0)
  private view: DataView = new DataView(new ArrayBuffer(0))
  private length = 0
  private count = 0
  private firstSeq = 0
  private lastSeq = 0

  constructor(stream: number, pool: BlockPool) {
    this.stream = stream
    this.pool = pool
  }

  /** Returns the bytes of the record. */
  append(seq: number, input: RecordInput): number {
    const bound = recordBound(input)
    if (this.length + bound > this.buffer.length) this.open(bound)
    if (this.count === 0) this.firstSeq = seq
    const before = this.length
    this.length = encodeRecord(this.buffer, this.view, before, seq, input)
    this.count++
    this.lastSeq = seq
    return this.length - before
  }

  /** Removes and returns the blocks. */
  takeBlocks(): Block[] {
    this.close()
    return this.full.splice(0)
  }

  private open(bytes: number): void {
    this.close()
    this.shared = this.pool.lend(bytes)
    this.buffer = Buffer.from(this.shared)
    this.view = new DataView(this.shared)
  }

  private close(): void {
    if (this.shared === undefined) return
    const { stream, shared: buffer, length, count, firstSeq, lastSeq } = this
    if (count > 0) this.full.push({ stream, buffer, length, count, firstSeq, lastSeq })
    else this.pool.giveBack(buffer)
    this.shared = undefined
    this.buffer = Buffer.alloc(0)
    this.length = 0
    this.count = 0
  }
}

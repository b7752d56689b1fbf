import { EdgeError } from '../../core/errors.ts'
import type { Batch, Block, Durability, Op } from './batch.ts'
import { BlockBuilder, BlockPool } from './block-builder.ts'
import { opBytes } from './op-bytes.ts'
import { recordFits, type RecordInput } from './record.ts'
import type { RunningClock } from './running-clock.ts'

/** Called once: null when the message is durable, else why it is not. `runningMs`: when it became durable, or was refused. */
export type Stored = (error: EdgeError | null, runningMs: number) => void

/** The same as an object: what waits for a commit outlives the young generation, where it is one piece and not three. */
export interface StoredListener {
  stored(...answer: Parameters<Stored>): void
}

export type OnStored = Stored | StoredListener

/** What carries batches to the writer; the log calls `send` with one batch at a time and waits for `committed`. */
export interface WriterPort {
  send(batch: Batch): void
}

/** Bytes that may wait in memory while the writer is busy or the store is full. */
const MAX_PENDING_BYTES = 8 * 1024 ** 2

/**
 * The log as the main thread sees it. Sequence numbers are given here, in the order of the calls; what arrives while one
 * batch is being committed makes the next. Callbacks come in the order of the calls, after the commit.
 */
export class MessageLog {
  private readonly clock: RunningClock
  private readonly durability: Durability
  private readonly port: WriterPort
  private readonly pool = new BlockPool()
  private readonly builders = new Map<number, BlockBuilder>()
  private ops: Op[] = []
  /** Something that waits has to survive a power cut. */
  private needsPower = false
  private waiting: OnStored[] = []
  private sent: { batch: Batch; waiting: OnStored[] } | undefined
  /** The answers that are being given right now. */
  private answering: OnStored[] | undefined
  private pendingBytes = 0
  private lastBatch: number
  private lastSeq: number
  private scheduled = false
  private readonly idle: (() => void)[] = []
  private closed = false

  /** `durability`: of all that does not ask for another one. */
  constructor(
    port: WriterPort,
    clock: RunningClock,
    start: { batch: number; seq: number },
    durability: Durability = 'power',
  ) {
    this.port = port
    this.durability = durability
    this.clock = clock
    this.lastBatch = start.batch
    this.lastSeq = start.seq
  }

  /** Stores a message; returns its sequence number, or undefined where it was refused at once (`stored` is called all the same). */
  append(stream: number, input: RecordInput, stored: OnStored, durability = this.durability): number | undefined {
    if (this.closed || this.pendingBytes > 2 * MAX_PENDING_BYTES) {
      const code = this.closed ? 'shutting-down' : 'store-full'
      tell(stored, new EdgeError(code, 'no more messages can wait for the store'), input.runningMs)
      return undefined
    }
    if (!recordFits(input)) {
      const error = new EdgeError('message-too-large', 'client id, topic and headers may take 65,535 bytes each')
      tell(stored, error, input.runningMs)
      return undefined
    }
    let builder = this.builders.get(stream)
    if (builder === undefined) this.builders.set(stream, (builder = new BlockBuilder(stream, this.pool)))
    const seq = ++this.lastSeq
    this.pendingBytes += builder.add(seq, input)
    this.waiting.push(stored)
    if (durability === 'power') this.needsPower = true
    this.schedule()
    return seq
  }

  /** Makes something else durable, in order with the messages. */
  put(op: Op, stored?: Stored): void {
    if (this.closed) return stored?.(new EdgeError('shutting-down', 'the store is closing'), this.clock.runningMs())
    this.ops.push(op)
    if (this.durability === 'power' && op.type !== 'call') this.needsPower = true
    if (stored !== undefined) this.waiting.push(stored)
    this.pendingBytes += opBytes(op)
    this.schedule()
  }

  /** As `put`; resolves when it is durable. Rejects with why it is not. */
  commit(op: Op): Promise<void> {
    return new Promise((resolve, reject) => this.put(op, (error) => (error === null ? resolve() : reject(error))))
  }

  /** Calls back when all that was handed in before is durable: answers keep the order of the calls. */
  barrier(done: () => void): void {
    // What was handed in last answers last: behind it, and without a commit of its own.
    const before = this.hasPending() ? this.waiting : (this.sent?.waiting ?? this.answering)
    if (before === undefined) done()
    else before.push(done)
  }

  /** The writer has committed the batch with this number. */
  committed(number: number): void {
    const done = this.sent
    if (done === undefined || done.batch.number !== number) return
    this.sent = undefined
    for (const block of done.batch.blocks) this.release(block)
    this.answering = done.waiting
    const now = this.clock.runningMs()
    for (const stored of done.waiting) tell(stored, null, now)
    this.answering = undefined
    if (this.hasPending()) this.flush()
    else for (const resolve of this.idle.splice(0)) resolve()
  }

  /** The writer has dropped the batch with this number by policy; its devices are acknowledged all the same. Returns how many. */
  dropped(number: number): number {
    if (this.sent?.batch.number !== number) return 0
    const count = this.sent.batch.blocks.reduce((sum, block) => sum + block.count, 0)
    this.committed(number)
    return count
  }

  /** A new writer stands in for one that died; `number` is the last batch that it found committed. */
  resend(number: number): void {
    const sent = this.sent
    if (sent === undefined) return
    if (sent.batch.number <= number) this.committed(sent.batch.number)
    else this.port.send(sent.batch)
  }

  /** Resolves when all that was taken so far is durable. */
  async flushed(): Promise<void> {
    if (this.sent === undefined && !this.hasPending()) return
    await new Promise<void>((resolve) => this.idle.push(resolve))
  }

  /** Takes no more; what is waiting is finished by `flushed`. */
  close(): void {
    this.closed = true
  }

  /** False while nothing more may be handed in: ask before the first of several calls that belong together. */
  get accepting(): boolean {
    return !this.closed && this.pendingBytes <= MAX_PENDING_BYTES
  }

  get pending(): { bytes: number; messages: number } {
    return { bytes: this.pendingBytes, messages: this.waiting.length + (this.sent?.waiting.length ?? 0) }
  }

  get seq(): number {
    return this.lastSeq
  }

  private hasPending(): boolean {
    return this.waiting.length > 0 || this.ops.length > 0
  }

  private schedule(): void {
    if (this.scheduled || this.sent !== undefined) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      if (this.sent === undefined && this.hasPending()) this.flush()
    })
  }

  private flush(): void {
    const blocks: Block[] = []
    for (const builder of this.builders.values()) for (const block of builder.take()) blocks.push(block)
    blocks.sort((a, b) => a.firstSeq - b.firstSeq)
    const batch: Batch = {
      number: ++this.lastBatch,
      blocks,
      ops: this.ops,
      clock: this.clock.read(),
      durability: this.needsPower ? 'power' : 'process',
    }
    this.sent = { batch, waiting: this.waiting }
    this.ops = []
    this.waiting = []
    this.pendingBytes = 0
    this.needsPower = false
    this.port.send(batch)
  }

  private release(block: Block): void {
    this.pool.give(block.buffer)
  }
}

function tell(listener: OnStored, error: EdgeError | null, runningMs: number): void {
  if (typeof listener === 'function') listener(error, runningMs)
  else listener.stored(error, runningMs)
}

import { EdgeError } from '../../core/errors.ts'
import type { Batch, Block, Durability, Op } from './batch.ts'
import { BlockBuilder, BlockPool } from './block-builder.ts'
import { opBytes } from './op-bytes.ts'
import { recordFits, type RecordInput } from './record.ts'
import type { RunningClock } from './running-clock.ts'

/** Called once: with null when the message is durable, else with the reason. `runningMs`: time at which it became durable, or was refused. */
export type Stored = (error: EdgeError | null, runningMs: number) => void

/** The same as an object. It outlives the young generation while it waits, as one object where a closure is three: bench `ingest`, CPU a message. */
export interface StoredListener {
  stored(...answer: Parameters<Stored>): void
  /** The message was dropped by policy because the store is full. Called instead of `stored`. */
  dropped(): void
}

export type OnStored = Stored | StoredListener

/** Carries batches to the writer. One batch is outstanding at a time: the next is sent after `committed`. */
export interface BatchSender {
  send(batch: Batch): void
}

/** Bytes that may wait in memory while the writer is busy or the store is full. */
const MAX_PENDING_BYTES = 8 * 1024 ** 2

/**
 * The log as the main thread sees it. It gives out the sequence numbers, in the order of the calls. Messages that arrive while one
 * batch is being committed make the next. Callbacks come in the order of the calls, after the commit.
 */
export class MessageLog {
  private readonly clock: RunningClock
  private readonly durability: Durability
  private readonly writer: BatchSender
  private readonly pool = new BlockPool()
  private readonly builders = new Map<number, BlockBuilder>()
  private ops: Op[] = []
  /** Something in the next batch must survive a power cut. */
  private needsPower = false
  private waiting: OnStored[] = []
  private sent: { batch: Batch; waiting: OnStored[] } | undefined
  /** The listeners of the batch whose commit is being announced. */
  private answering: OnStored[] | undefined
  private pendingBytes = 0
  private lastBatch: number
  private lastSeq: number
  private scheduled = false
  private readonly idle: (() => void)[] = []
  private closed = false

  /** `durability`: of messages that do not ask for another one, and of operations. */
  constructor(
    writer: BatchSender,
    clock: RunningClock,
    start: { batch: number; seq: number },
    durability: Durability = 'power',
  ) {
    this.writer = writer
    this.durability = durability
    this.clock = clock
    this.lastBatch = start.batch
    this.lastSeq = start.seq
  }

  /** Stores a message. Returns its sequence number, or undefined if it was refused at once; `stored` is called in both cases. */
  append(stream: number, input: RecordInput, stored: OnStored, durability = this.durability): number | undefined {
    if (this.closed || this.pendingBytes > 2 * MAX_PENDING_BYTES) {
      const code = this.closed ? 'shutting-down' : 'store-full'
      notify(stored, new EdgeError(code, 'no more messages can wait for the store'), input.runningMs)
      return undefined
    }
    if (!recordFits(input)) {
      const error = new EdgeError('message-too-large', 'client id, topic and headers may take 65,535 bytes each')
      notify(stored, error, input.runningMs)
      return undefined
    }
    let builder = this.builders.get(stream)
    if (builder === undefined) this.builders.set(stream, (builder = new BlockBuilder(stream, this.pool)))
    const seq = ++this.lastSeq
    this.pendingBytes += builder.append(seq, input)
    this.waiting.push(stored)
    if (durability === 'power') this.needsPower = true
    this.schedule()
    return seq
  }

  /** Makes an operation durable, in order with the messages. */
  put(op: Op, stored?: Stored): void {
    if (this.closed) return stored?.(new EdgeError('shutting-down', 'the store is closing'), this.clock.runningMs())
    this.ops.push(op)
    if (this.durability === 'power' && op.type !== 'call') this.needsPower = true
    if (stored !== undefined) this.waiting.push(stored)
    this.pendingBytes += opBytes(op)
    this.schedule()
  }

  /** As `put`; resolves when the operation is durable, and rejects with the reason if it never will be. */
  commit(op: Op): Promise<void> {
    return new Promise((resolve, reject) => this.put(op, (error) => (error === null ? resolve() : reject(error))))
  }

  /** Calls back when everything handed in before is durable, in order with the other callbacks. */
  barrier(done: () => void): void {
    // It goes behind the last callback that waits, so that it needs no commit of its own.
    const before = this.hasPending() ? this.waiting : (this.sent?.waiting ?? this.answering)
    if (before === undefined) done()
    else before.push(done)
  }

  /** The writer has committed the batch with this number. */
  committed(number: number): void {
    this.answer(number, (listener, now) => notify(listener, null, now))
  }

  /** The writer has dropped the messages of this batch by policy, and committed the rest. Returns the number of messages. */
  dropped(number: number): number {
    if (this.sent?.batch.number !== number) return 0
    const count = this.sent.batch.blocks.reduce((sum, block) => sum + block.count, 0)
    this.answer(number, (listener, now) => {
      if (typeof listener === 'function') listener(null, now)
      else listener.dropped()
    })
    return count
  }

  /** A new writer replaces one that died; `number` is the last batch that it found committed. */
  resend(number: number): void {
    const sent = this.sent
    if (sent === undefined) return
    if (sent.batch.number <= number) this.committed(sent.batch.number)
    else this.writer.send(sent.batch)
  }

  /** Resolves when everything accepted so far is durable. */
  async flushed(): Promise<void> {
    if (this.sent === undefined && !this.hasPending()) return
    await new Promise<void>((resolve) => this.idle.push(resolve))
  }

  /** Refuses everything from here on; `flushed` resolves when the rest is durable. */
  close(): void {
    this.closed = true
  }

  /** False while nothing more may be handed in. Ask before the first of several calls that belong together. */
  get accepting(): boolean {
    return !this.closed && this.pendingBytes <= MAX_PENDING_BYTES
  }

  get pending(): { bytes: number; messages: number } {
    return { bytes: this.pendingBytes, messages: this.waiting.length + (this.sent?.waiting.length ?? 0) }
  }

  get seq(): number {
    return this.lastSeq
  }

  private answer(number: number, tell: (listener: OnStored, nowMs: number) => void): void {
    const done = this.sent
    if (done === undefined || done.batch.number !== number) return
    this.sent = undefined
    for (const block of done.batch.blocks) this.pool.giveBack(block.buffer)
    this.answering = done.waiting
    const now = this.clock.runningMs()
    for (const listener of done.waiting) tell(listener, now)
    this.answering = undefined
    if (this.hasPending()) this.flush()
    else for (const resolve of this.idle.splice(0)) resolve()
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
    for (const builder of this.builders.values()) for (const block of builder.takeBlocks()) blocks.push(block)
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
    this.writer.send(batch)
  }
}

function notify(listener: OnStored, error: EdgeError | null, runningMs: number): void {
  if (typeof listener === 'function') listener(error, runningMs)
  else listener.stored(error, runningMs)
}

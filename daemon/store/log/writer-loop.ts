import type { MessagePort } from 'node:worker_threads'
import type Database from 'better-sqlite3'
import { EdgeError, messageOf } from '../../core/errors.ts'
import { Ballast } from '../ballast.ts'
import { openWritable } from '../connection.ts'
import { isCorrupt } from '../sqlite.ts'
import { writeContractCache } from '../tables/contract-cache.ts'
import type { Settlement } from '../tables/cursors.ts'
import { WalGuard } from '../wal-guard.ts'
import type { Batch } from './batch.ts'
import type { CommitResult } from './commit-result.ts'
import { LogWriter } from './log-writer.ts'
import { transactionBytes } from './op-bytes.ts'
import type { FromForwarder, FromWriter, ToForwarder, ToWriter, WriterThreadData } from './writer-messages.ts'

const RETRY_FULL_MS = 100
const RETRY_DISK_MS = 500
const IDLE_COMMIT_MS = 100
const SWEEP_MS = 2_000
const NEXT_STEP_MS = 20
/** Between two commits while a reader holds the WAL. */
const SPACED_COMMIT_MS = 100
/** Destinations are asked again to give up messages if nothing has come of it. */
const ASK_AGAIN_MS = 1_000
/** So much more than needed is asked for: every request is a round trip. */
const ASK_MORE_BYTES = 1024 ** 2

type Full = CommitResult & { status: 'full' }

/** What the writer thread does between its messages: which batch when, what happens when there is no room. */
export class WriterLoop {
  private readonly data: WriterThreadData
  private readonly answer: (message: FromWriter) => void
  private readonly db: Database.Database
  private readonly writer: LogWriter
  private readonly ballast: Ballast
  private readonly wal: WalGuard
  private readonly signal: Int32Array
  private batch: Batch | null = null
  private batchAt = 0
  private settlements: Settlement[] = []
  private timer: NodeJS.Timeout | undefined
  private readonly sweeper: NodeJS.Timeout
  private stepper: NodeJS.Timeout | undefined
  private full = false
  /** The file system itself has no space for messages. */
  private diskFull: boolean
  private failed = false
  private askedAt = -Infinity
  private readonly startedAt = performance.now()

  constructor(data: WriterThreadData, answer: (message: FromWriter) => void) {
    this.data = data
    this.answer = answer
    this.signal = new Int32Array(data.signal)
    this.ballast = new Ballast(data.directory)
    this.diskFull = !this.ballast.hasSpace()
    this.db = openWritable(data.directory, data)
    this.wal = new WalGuard(this.db)
    this.writer = new LogWriter(this.db, data.identity, { ...data.limits }, data.durability)
    this.listen(data.forwarder)
    this.sweeper = setInterval(() => this.guarded(() => this.sweep()), SWEEP_MS)
    answer({ type: 'ready', batch: this.writer.committedBatch })
    setImmediate(() => this.ballast.fill())
  }

  /** Returns true when the thread may end. */
  receive(message: ToWriter): boolean {
    if (message.type === 'close') {
      this.guarded(() => this.close())
      this.answer({ type: 'closed' })
      return true
    }
    this.guarded(() => this.handle(message))
    return false
  }

  private handle(message: Exclude<ToWriter, { type: 'close' }>): void {
    switch (message.type) {
      case 'batch':
        this.batch = message.batch
        this.batchAt = performance.now()
        if (this.wal.slow) this.commitWithin(SPACED_COMMIT_MS)
        else this.commit()
        break
      case 'limits':
        this.data.whenFull = message.whenFull
        this.writer.retention.setLimits(message.limits)
        break
      case 'remember':
      case 'remember-file':
        writeContractCache(this.db, message)
        break
      case 'forwarder':
        this.data.forwarder.close()
        this.data.forwarder = message.port
        this.listen(message.port)
        break
      case 'alive':
        this.answer({ type: 'alive', id: message.id })
        break
    }
  }

  private listen(forwarder: MessagePort): void {
    forwarder.on('message', (message: FromForwarder) => this.settle(message.settlement))
  }

  private settle(settlement: Settlement): void {
    this.settlements.push(settlement)
    const asked = this.askedAt > 0
    this.askedAt = -Infinity
    // Without messages arriving, cursors wait a little for company: a repeated delivery after a crash costs less than an fsync.
    this.commitWithin(asked ? 0 : IDLE_COMMIT_MS)
  }

  private commitWithin(ms: number): void {
    if (ms === 0) clearTimeout(this.timer)
    else if (this.timer !== undefined) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.guarded(() => this.commit())
    }, ms)
  }

  private commit(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    const settlements = this.settlements
    this.settlements = []
    const bytes = transactionBytes(this.batch, settlements)
    const result = this.attempt(bytes, settlements)
    if (result.status === 'fatal') return this.fail(result)
    if (result.status === 'full') return this.refuse(result, settlements)
    if (this.batch !== null) this.answer(this.batch.number)
    this.confirm(settlements)
    Atomics.add(this.signal, 0, 1)
    Atomics.notify(this.signal, 0)
    this.batch = null
    this.hasRoom()
    if (this.wal.wrote(bytes) && !this.ballast.hasSpace()) this.diskFull = true
  }

  private attempt(bytes: number, settlements: readonly Settlement[]): CommitResult {
    if (!this.wal.takes(bytes))
      return refusal('wal', 'another process reads the database and keeps its WAL from being emptied')
    if (this.batch !== null && !this.mayGrow(bytes)) return refusal('disk', 'the file system has no space left')
    // From its beginning the WAL takes a batch without growing.
    if (this.diskFull) this.wal.restart()
    return this.writer.commit(this.batch, settlements, performance.now() - this.batchAt)
  }

  /** On a full disk messages use only what deleted ones have left in the database: what frees space will need the rest. */
  private mayGrow(bytes: number): boolean {
    if (this.diskFull && this.ballast.hasSpace()) this.diskFull = false
    return !this.diskFull || this.writer.retention.fitsInside(bytes)
  }

  private hasRoom(): void {
    if (this.full) this.answer({ type: 'room' })
    this.full = false
    this.askedAt = -Infinity
  }

  private confirm(settlements: readonly Settlement[]): void {
    const last = settlements.at(-1)
    if (last !== undefined) this.toForwarder({ type: 'settled', number: last.number })
  }

  private refuse(result: Full, settlements: Settlement[]): void {
    if (result.settled) this.confirm(settlements)
    else this.settlements = [...settlements, ...this.settlements]
    if (!this.full) this.answer({ type: 'full', message: result.error.message })
    this.full = true
    if (result.cause === 'limit') this.overLimit()
    else if (result.cause === 'disk') this.useBallast()
    if (this.batch !== null || this.settlements.length > 0)
      this.commitWithin(this.diskFull ? RETRY_DISK_MS : RETRY_FULL_MS)
  }

  private overLimit(): void {
    const { batch } = this
    if (batch !== null && this.data.whenFull === 'drop-newest') {
      const result = this.writer.commitWithoutMessages(batch)
      if (result.status === 'fatal') return this.fail(result)
      if (result.status === 'full') return this.useBallast()
      this.batch = null
      return this.answer({ type: 'dropped', batch: batch.number })
    }
    if (performance.now() - this.askedAt < ASK_AGAIN_MS) return
    this.askedAt = performance.now()
    this.toForwarder({
      type: 'give-up',
      bytes: this.writer.retention.wantedBytes + ASK_MORE_BYTES,
      required: this.data.whenFull === 'drop-oldest',
    })
  }

  /** The file system is full: what frees space needs space first. */
  private useBallast(): void {
    this.diskFull = true
    if (this.freeSpace() || this.failed) return
    this.ballast.release()
    this.wal.restart()
    this.freeSpace()
  }

  /** Writes what makes space inside the database; returns false where even that found none. */
  private freeSpace(): boolean {
    const settlements = this.settlements
    let result = this.writer.commit(null, settlements)
    if (result.status === 'committed') {
      this.settlements = []
      this.confirm(settlements)
      result = this.writer.sweep(this.now())
    }
    if (result.status === 'fatal') {
      this.fail(result)
      return false
    }
    if (result.status === 'full' && result.cause === 'disk') return false
    return this.wal.restart()
  }

  private sweep(): void {
    const result = this.writer.sweep(this.now())
    if (result.status === 'fatal') return this.fail(result)
    this.wal.check()
    // Rows of calls are completed in short steps, with room for messages in between.
    clearTimeout(this.stepper)
    if (this.writer.hasCallsLeft) this.stepper = setTimeout(() => this.guarded(() => this.sweep()), NEXT_STEP_MS)
    if (result.status === 'full') return result.cause === 'disk' ? this.useBallast() : undefined
    if (this.mayGrow(0)) this.ballast.fill()
    if (this.full && this.batch === null && this.settlements.length === 0 && this.mayGrow(0)) this.hasRoom()
  }

  private now(): number {
    return this.data.runningMs + performance.now() - this.startedAt
  }

  /** After an error that is not understood nothing more is written: a second attempt could succeed on top of what was lost. */
  private guarded(work: () => void): void {
    if (this.failed) return
    try {
      work()
    } catch (error) {
      this.fail({
        status: 'fatal',
        corrupt: isCorrupt(error),
        error: new EdgeError('store-failed', messageOf(error), { cause: error }),
      })
    }
  }

  private fail(result: CommitResult & { status: 'fatal' }): void {
    this.failed = true
    clearInterval(this.sweeper)
    clearTimeout(this.stepper)
    this.answer({ type: 'fatal', message: result.error.message, corrupt: result.corrupt })
  }

  private toForwarder(message: ToForwarder): void {
    this.data.forwarder.postMessage(message)
  }

  private close(): void {
    clearInterval(this.sweeper)
    clearTimeout(this.stepper)
    if (this.settlements.length > 0) this.commit()
    clearTimeout(this.timer)
    this.data.forwarder.close()
    this.db.close()
  }
}

function refusal(cause: Full['cause'], message: string): Full {
  return { status: 'full', cause, settled: false, error: new EdgeError('store-full', message) }
}

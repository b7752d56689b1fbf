import type Database from 'better-sqlite3'
import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import type { Timer, Timers } from '../../core/timers.ts'
import { openWritable } from '../connection.ts'
import { isCorrupt } from '../sqlite.ts'
import { writeContractCache } from '../tables/contract-cache.ts'
import type { Settlement } from '../tables/cursors.ts'
import type { Batch } from './batch.ts'
import { fatal, type CommitResult, type FatalResult, type FullResult } from './commit-result.ts'
import { DiskSpace } from './disk-space.ts'
import { ForwarderLink } from './forwarder-link.ts'
import { LogWriter } from './log-writer.ts'
import { transactionBytes } from './op-bytes.ts'
import type { FromWriter, ToWriter, WriterData } from './writer-messages.ts'

const RETRY_FULL_MS = 100
const RETRY_DISK_MS = 500
/** Settlements wait this long for more of them: a repeated delivery after a crash costs less than an fsync. */
const IDLE_COMMIT_MS = 100
const SWEEP_MS = 2_000
/** Between two steps of a sweep, so that messages come between them. */
const NEXT_STEP_MS = 20
/** Between two commits while a reader holds the WAL. */
const SPACED_COMMIT_MS = 100
/** Asked for beyond the bytes that are missing: every request is a round trip. */
const ASK_MORE_BYTES = 1024 ** 2

export interface WriterLoopOptions {
  data: WriterData
  clock: Clock
  timers: Timers
  answer: (message: FromWriter) => void
}

/** Opens the database for writing. Answers `fatal` and returns undefined if it is corrupt: another writer would meet the same damage. */
export function startWriterLoop(options: WriterLoopOptions): WriterLoop | undefined {
  try {
    return new WriterLoop(options)
  } catch (error) {
    if (!isCorrupt(error)) throw error
    options.answer({ type: 'fatal', message: messageOf(error), corrupt: true })
    return undefined
  }
}

/** Runs the log writer between its messages: decides which batch is committed when, and what happens when there is no room. */
export class WriterLoop {
  private readonly data: WriterData
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly answer: (message: FromWriter) => void
  private readonly db: Database.Database
  private readonly writer: LogWriter
  private readonly space: DiskSpace
  private readonly forwarder: ForwarderLink
  private readonly signal: Int32Array
  private readonly startedMs: number
  private readonly sweeper: Timer
  private readonly ballastFiller: Timer
  private nextCommit: Timer | undefined
  private nextSweep: Timer | undefined
  private batch: Batch | null = null
  private batchAtMs = 0
  private isFull = false
  private hasFailed = false

  constructor({ data, clock, timers, answer }: WriterLoopOptions) {
    this.data = data
    this.clock = clock
    this.timers = timers
    this.answer = answer
    this.startedMs = clock.monotonicMs()
    this.signal = new Int32Array(data.signal)
    this.db = openWritable(data.directory, data)
    this.writer = new LogWriter(this.db, data.identity, { ...data.limits }, data.durability, clock)
    this.space = new DiskSpace(this.db, data.directory, this.writer.retention)
    this.forwarder = new ForwarderLink(clock, (wasAsked) => this.commitWithin(wasAsked ? 0 : IDLE_COMMIT_MS))
    this.sweeper = timers.every(SWEEP_MS, () => this.guarded(() => this.sweep()))
    answer({ type: 'ready', batch: this.writer.committedBatch })
    this.ballastFiller = timers.after(0, () => this.space.fillBallast())
  }

  /** Returns true when the writer has closed. */
  receive(message: ToWriter): boolean {
    if (message.type === 'close') {
      this.guarded(() => this.close())
      this.answer({ type: 'closed' })
      return true
    }
    this.guarded(() => this.handle(message))
    return false
  }

  /** Ends without committing what waits. */
  abandon(): void {
    for (const timer of [this.sweeper, this.ballastFiller, this.nextCommit, this.nextSweep]) timer?.cancel()
    this.forwarder.close()
    this.db.close()
  }

  private handle(message: Exclude<ToWriter, { type: 'close' }>): void {
    switch (message.type) {
      case 'batch':
        this.batch = message.batch
        this.batchAtMs = this.clock.monotonicMs()
        if (this.space.isWalHeld) this.commitWithin(SPACED_COMMIT_MS)
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
        this.forwarder.connect(message.port)
        break
      case 'alive':
        this.answer({ type: 'alive', id: message.id })
        break
    }
  }

  private commitWithin(ms: number): void {
    if (ms === 0) this.nextCommit?.cancel()
    else if (this.nextCommit !== undefined) return
    this.nextCommit = this.timers.after(ms, () => {
      this.nextCommit = undefined
      this.guarded(() => this.commit())
    })
  }

  private commit(): void {
    this.nextCommit?.cancel()
    this.nextCommit = undefined
    const settlements = this.forwarder.takeSettlements()
    const bytes = transactionBytes(this.batch, settlements)
    const result =
      this.space.refusalOf(bytes, this.batch !== null) ??
      this.writer.commit(this.batch, settlements, this.clock.monotonicMs() - this.batchAtMs)
    if (result.status === 'fatal') return this.fail(result)
    if (result.status === 'full') return this.retryLater(result, settlements)
    if (this.batch !== null) this.answer(this.batch.number)
    this.forwarder.confirm(settlements)
    Atomics.add(this.signal, 0, 1)
    Atomics.notify(this.signal, 0)
    this.batch = null
    this.announceRoom()
    this.space.wrote(bytes)
  }

  private announceRoom(): void {
    if (this.isFull) this.answer({ type: 'room' })
    this.isFull = false
    this.forwarder.endRequest()
  }

  private retryLater(result: FullResult, settlements: Settlement[]): void {
    if (result.settled) this.forwarder.confirm(settlements)
    else this.forwarder.putBack(settlements)
    if (!this.isFull) this.answer({ type: 'full', message: result.error.message })
    this.isFull = true
    if (result.cause === 'limit') this.makeRoom()
    else if (result.cause === 'disk') this.freeDisk()
    if (this.batch !== null || this.forwarder.hasSettlements)
      this.commitWithin(this.space.isFull ? RETRY_DISK_MS : RETRY_FULL_MS)
  }

  /** `maxBytes` is reached: drops the batch, or asks destinations to give up messages. */
  private makeRoom(): void {
    const { batch } = this
    if (batch !== null && this.data.whenFull === 'drop-newest') {
      const result = this.writer.commitWithoutMessages(batch)
      if (result.status === 'fatal') return this.fail(result)
      if (result.status === 'full') return this.freeDisk()
      this.batch = null
      return this.answer({ type: 'dropped', batch: batch.number })
    }
    this.forwarder.requestRoom(this.writer.retention.wantedBytes + ASK_MORE_BYTES, this.data.whenFull === 'drop-oldest')
  }

  /** The file system is full. Deleting needs space too: the ballast gives it. */
  private freeDisk(): void {
    this.space.markFull()
    if (this.deleteSettled() || this.hasFailed) return
    this.space.releaseBallast()
    this.deleteSettled()
  }

  /** Writes settlements and deletes what they free; returns false if even that finds no space. */
  private deleteSettled(): boolean {
    const settlements = this.forwarder.takeSettlements()
    let result = this.writer.commit(null, settlements)
    if (result.status !== 'committed') this.forwarder.putBack(settlements)
    else {
      this.forwarder.confirm(settlements)
      result = this.sweepWriter()
    }
    if (result.status === 'fatal') {
      this.fail(result)
      return false
    }
    if (result.status === 'full' && result.cause === 'disk') return false
    return this.space.restartWal()
  }

  private sweep(): void {
    const result = this.sweepWriter()
    if (result.status === 'fatal') return this.fail(result)
    this.space.checkWal()
    this.nextSweep?.cancel()
    if (this.writer.hasCallsLeft)
      this.nextSweep = this.timers.after(NEXT_STEP_MS, () => this.guarded(() => this.sweep()))
    if (result.status === 'full') return result.cause === 'disk' ? this.freeDisk() : undefined
    if (this.space.mayGrow(0)) this.space.fillBallast()
    if (this.isFull && this.batch === null && !this.forwarder.hasSettlements && this.space.mayGrow(0))
      this.announceRoom()
  }

  private sweepWriter(): CommitResult {
    const runningMs = this.data.runningMs + this.clock.monotonicMs() - this.startedMs
    return this.writer.sweep(runningMs)
  }

  /** Writes nothing more after an unknown error: a second attempt could succeed on top of lost pages. */
  private guarded(work: () => void): void {
    if (this.hasFailed) return
    try {
      work()
    } catch (error) {
      this.fail(fatal(error, messageOf(error)))
    }
  }

  private fail({ error, corrupt }: FatalResult): void {
    this.hasFailed = true
    this.sweeper.cancel()
    this.nextSweep?.cancel()
    this.answer({ type: 'fatal', message: error.message, corrupt })
  }

  private close(): void {
    if (this.forwarder.hasSettlements) this.commit()
    this.abandon()
  }
}

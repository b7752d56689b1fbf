import type Database from 'better-sqlite3'
import { systemClock, type Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import { setDurability } from '../connection.ts'
import { BlockWriter, type WriterIdentity } from '../tables/blocks.ts'
import type { Cursors, Settlement } from '../tables/cursors.ts'
import type { StreamRow } from '../tables/streams.ts'
import { TableWriters } from '../tables/table-writers.ts'
import type { Batch, Durability } from './batch.ts'
import { failedWrite, fatal, overLimit, type CommitResult } from './commit-result.ts'
import { LogEnd } from './log-end.ts'
import { opBytes } from './op-bytes.ts'
import { Retention, type StoreLimits } from './retention.ts'

/**
 * Commits over the one writing connection. A commit holds one batch and the settlements that have come in since the last: all of it
 * is durable when `commit` returns, or none of it is there. Synchronous; it knows nothing of threads.
 */
export class LogWriter {
  readonly cursors: Cursors
  readonly retention: Retention
  readonly streams: ReadonlyMap<number, StreamRow>
  /** The last sweep has left calls that are complete, or too many. */
  hasCallsLeft = false
  private readonly db: Database.Database
  private readonly limits: StoreLimits
  private readonly clock: Clock
  private readonly tables: TableWriters
  private readonly blocks: BlockWriter
  private readonly logEnd: LogEnd
  private readonly begin: Database.Statement
  private readonly end: Database.Statement
  private readonly undo: Database.Statement
  /** Of commits that hold no batch. */
  private readonly durability: Durability
  private current: Durability
  private waitedMs = 0

  constructor(
    db: Database.Database,
    identity: WriterIdentity,
    limits: StoreLimits,
    durability: Durability = 'power',
    clock: Clock = systemClock,
  ) {
    this.db = db
    this.clock = clock
    this.limits = limits
    this.durability = durability
    this.current = durability
    this.begin = db.prepare('BEGIN IMMEDIATE')
    this.end = db.prepare('COMMIT')
    this.undo = db.prepare('ROLLBACK')
    this.tables = new TableWriters(db, identity.boot)
    this.blocks = new BlockWriter(db, identity)
    this.logEnd = new LogEnd(db, this.tables.streams)
    this.cursors = this.tables.cursors
    this.streams = this.tables.streams.rows
    this.retention = new Retention({
      db,
      streams: this.streams,
      cursors: this.cursors,
      limits,
      beforeDelete: () => this.logEnd.save(),
    })
  }

  get committedBatch(): number {
    return this.logEnd.batch
  }

  get committedSeq(): number {
    return this.logEnd.seq
  }

  /** Does not write a batch again whose number is committed already. `waitedMs`: time since the batch arrived at the writer. */
  commit(batch: Batch | null, settlements: readonly Settlement[], waitedMs = 0): CommitResult {
    this.waitedMs = waitedMs
    const fresh = batch !== null && batch.number > this.logEnd.batch ? batch : null
    let settled = settlements.length === 0
    try {
      if (fresh === null || this.makeRoom(fresh)) {
        if (fresh !== null || !settled) this.write(fresh, settlements)
        return { status: 'committed' }
      }
      if (!settled) {
        this.write(null, settlements)
        settled = true
        // The settlements may have made the missing room.
        if (this.makeRoom(fresh)) {
          this.write(fresh, [])
          return { status: 'committed' }
        }
      }
      return overLimit(settled)
    } catch (error) {
      return this.fail(error, settled)
    }
  }

  /** Drops the messages of a batch by policy. Operations that belong to none of them (plans, streams, sessions) are written all the same. */
  commitWithoutMessages(batch: Batch): CommitResult {
    try {
      if (batch.number > this.logEnd.batch) this.write(batch, [], false)
      return { status: 'committed' }
    } catch (error) {
      return this.fail(error, true)
    }
  }

  /** While nothing arrives: deletes surplus history, completes and trims calls; says whether there is room for messages. */
  sweep(nowMs: number): CommitResult {
    try {
      this.db.transaction(() => {
        this.retention.trim(nowMs, 256)
        this.hasCallsLeft = this.tables.calls.sweep(nowMs, this.limits.callLog)
        this.tables.idempotency.trim(nowMs)
      })()
      return this.retention.makeRoom(0, nowMs) ? { status: 'committed' } : overLimit(true)
    } catch (error) {
      return this.fail(error, true)
    }
  }

  private makeRoom(batch: Batch): boolean {
    let bytes = 0
    for (const block of batch.blocks) bytes += block.length
    for (const op of batch.ops) bytes += opBytes(op)
    return this.retention.makeRoom(bytes, batch.clock.runningMs)
  }

  private write(batch: Batch | null, settlements: readonly Settlement[], messages = true): void {
    const { calls } = this.tables
    const startedMs = this.clock.monotonicMs()
    this.require(batch?.durability ?? this.durability)
    this.begin.run()
    calls.begin(batch?.clock.runningMs ?? 0)
    for (const settlement of settlements) {
      this.cursors.write(settlement)
      calls.note(settlement)
    }
    if (batch !== null) this.writeBatch(batch, messages)
    this.end.run()
    this.tables.committed()
    this.logEnd.committed()
    calls.committed(this.waitedMs + this.clock.monotonicMs() - startedMs)
    for (const settlement of settlements) this.cursors.committed(settlement.cursor)
  }

  private require(durability: Durability): void {
    if (durability === this.current) return
    setDurability(this.db, durability)
    this.current = durability
  }

  private writeBatch(batch: Batch, messages: boolean): void {
    for (const op of batch.ops) {
      if (op.withMessage === true && !messages) continue
      this.tables.apply(op)
      if (op.type === 'quarantine') this.retention.quarantine.added(opBytes(op))
      // Messages that all earlier destinations have settled are not settled by the new ones.
      if (op.type === 'adopt') this.retention.reset()
    }
    this.logEnd.begin(batch)
    for (const block of batch.blocks) {
      if (messages) this.blocks.insert(batch, block)
      this.logEnd.addBlock(block, messages)
    }
    this.tables.calls.completeSome(batch.clock.runningMs, this.limits.callLog)
    this.logEnd.finish(messages && batch.blocks.length > 0)
    this.retention.trimSometimes(batch.clock.runningMs, batch.blocks.length)
  }

  private fail(error: unknown, settled: boolean): CommitResult {
    this.tables.rolledBack()
    this.retention.reset()
    this.logEnd.rolledBack()
    try {
      if (this.db.inTransaction) this.undo.run()
    } catch (undoError) {
      return { ...fatal(error, `rollback failed: ${messageOf(undoError)}`), corrupt: false }
    }
    return failedWrite(error, settled)
  }
}

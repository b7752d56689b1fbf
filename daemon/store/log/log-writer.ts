import type Database from 'better-sqlite3'
import { EdgeError, messageOf, systemCode } from '../../core/errors.ts'
import { setDurability } from '../connection.ts'
import { isCorrupt, isDiskFull, isNoRoom } from '../sqlite-codes.ts'
import { CallLog } from '../tables/call-log.ts'
import { Cursors } from '../tables/cursors.ts'
import { IdempotencyCap } from '../tables/idempotency-cap.ts'
import { RegistryApplier } from '../tables/registry-applier.ts'
import type { Batch, Block, Durability, Settlement, StreamRow } from './batch.ts'
import { LogEnd } from './log-end.ts'
import { OpApplier } from './op-applier.ts'
import { opBytes } from './op-bytes.ts'
import { sealRecords } from './record.ts'
import { Retention, type StoreLimits } from './retention.ts'

/** Whose messages these are: written into every block. */
export interface WriterIdentity {
  epoch: number
  boot: number
}

export type CommitResult =
  | { status: 'committed' }
  /**
   * There is no room for the batch: `maxBytes` is reached, the file system has no space or takes no writes at all, or a reader
   * keeps the WAL from being emptied. The same batch may be offered again. `settled`: the settlements were written.
   */
  | { status: 'full'; cause: 'limit' | 'disk' | 'unwritable' | 'wal'; settled: boolean; error: EdgeError }
  /** The disk cannot be trusted any more: the process must end and start again. */
  | { status: 'fatal'; corrupt: boolean; error: EdgeError }

/**
 * The one writing connection. A commit holds one batch and the settlements that have come in since the last: all of it is
 * durable when `commit` returns, or none of it is there. Knows nothing of threads.
 */
export class LogWriter {
  readonly cursors: Cursors
  readonly retention: Retention
  readonly streams = new Map<number, StreamRow>()
  private readonly db: Database.Database
  private readonly identity: WriterIdentity
  private readonly limits: StoreLimits
  private readonly ops: OpApplier
  private readonly calls: CallLog
  private readonly idempotency: IdempotencyCap
  private readonly begin: Database.Statement
  private readonly end: Database.Statement
  private readonly undo: Database.Statement
  private readonly insertBlock: Database.Statement
  private readonly logEnd: LogEnd
  /** Of commits that hold no batch. */
  private readonly durability: Durability
  private current: Durability
  private waitedMs = 0
  /** The last sweep has not come to the end of the calls that are complete, or too many. */
  hasCallsLeft = false

  constructor(db: Database.Database, identity: WriterIdentity, limits: StoreLimits, durability: Durability = 'power') {
    this.db = db
    this.identity = identity
    this.limits = limits
    this.durability = durability
    this.current = durability
    this.begin = db.prepare('BEGIN IMMEDIATE')
    this.end = db.prepare('COMMIT')
    this.undo = db.prepare('ROLLBACK')
    this.insertBlock = db.prepare(
      'INSERT INTO blocks (id, last_seq, batch, stream, epoch, boot, count, length, running_ms, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.logEnd = new LogEnd(db)
    this.cursors = new Cursors(db)
    this.calls = new CallLog(db, this.streams, this.cursors)
    this.idempotency = new IdempotencyCap(db)
    this.ops = new OpApplier(db, this.streams, identity.boot, new RegistryApplier(db, this.calls))
    this.retention = new Retention({
      db,
      streams: this.streams,
      cursors: this.cursors,
      limits,
      beforeDelete: () => this.logEnd.tell(),
    })
  }

  get committedBatch(): number {
    return this.logEnd.batch
  }

  get committedSeq(): number {
    return this.logEnd.seq
  }

  /** A batch whose number has been committed already is not written again. `waitedMs`: how long it has been here. */
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
        // What they have settled may be all that was missing.
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

  /** Drops the messages of a batch by policy. What came with them (plans, streams, sessions) is written all the same. */
  commitWithoutMessages(batch: Batch): CommitResult {
    try {
      if (batch.number > this.logEnd.batch) this.write(batch, [], false)
      return { status: 'committed' }
    } catch (error) {
      return this.fail(error, true)
    }
  }

  /** Keeps a compiled contract for the next start. The cache may be lost without harm, so a full disk is no failure here. */
  remember(
    entry:
      | { type: 'remember'; hash: string; body: string; at: number }
      | { type: 'remember-file'; file: string; hash: string },
  ): void {
    try {
      if (entry.type === 'remember-file')
        this.db
          .prepare('INSERT INTO documents (file, hash) VALUES (?, ?) ON CONFLICT DO UPDATE SET hash = excluded.hash')
          .run(entry.file, entry.hash)
      else
        this.db
          .prepare(
            'INSERT INTO contracts (hash, body, used_at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET used_at = excluded.used_at',
          )
          .run(entry.hash, entry.body, entry.at)
    } catch (error) {
      if (!isNoRoom(error)) throw error
    }
  }

  /**
   * Deletes what history no longer wants while nothing arrives, and completes and bounds the log of calls; says whether there
   * is room for messages.
   */
  sweep(nowMs: number, wallMs = Date.now()): CommitResult {
    try {
      this.db.transaction(() => {
        this.retention.trim(nowMs, 256)
        this.hasCallsLeft = this.calls.sweep(wallMs, this.limits.callLog)
        this.idempotency.trim(wallMs)
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
    const startedAt = performance.now()
    this.require(batch?.durability ?? this.durability)
    this.begin.run()
    this.calls.begin(batch?.clock.runningMs ?? 0)
    for (const settlement of settlements) {
      this.cursors.apply(settlement)
      this.calls.noted(settlement)
    }
    if (batch !== null) this.writeBatch(batch, messages)
    this.end.run()
    this.ops.keep()
    this.logEnd.keep()
    this.calls.committed(this.waitedMs + performance.now() - startedAt)
    for (const settlement of settlements) this.cursors.settled(settlement.cursor)
  }

  private require(durability: Durability): void {
    if (durability === this.current) return
    setDurability(this.db, durability)
    this.current = durability
  }

  private writeBatch(batch: Batch, messages: boolean): void {
    for (const op of batch.ops) {
      this.ops.apply(op)
      if (op.type === 'quarantine') this.retention.quarantine.added(opBytes(op))
      // What was settled for all is not settled for another one.
      if (op.type === 'adopt') this.retention.reset()
    }
    this.logEnd.begin(batch)
    for (const block of batch.blocks) {
      if (messages) this.writeBlock(batch, block)
      this.logEnd.block(block, messages)
    }
    this.calls.step(batch.clock.wallMs, this.limits.callLog)
    this.logEnd.finish(messages && batch.blocks.length > 0)
    this.retention.trimSometimes(batch.clock.runningMs, batch.blocks.length)
  }

  private writeBlock(batch: Batch, block: Block): void {
    const body = Buffer.from(block.buffer, 0, block.length)
    sealRecords(body)
    const { epoch, boot } = this.identity
    this.insertBlock.run(
      block.firstSeq,
      block.lastSeq,
      batch.number,
      block.stream,
      epoch,
      boot,
      block.count,
      block.length,
      batch.clock.runningMs,
      body,
    )
  }

  private fail(error: unknown, settled: boolean): CommitResult {
    this.ops.forget()
    this.calls.reset()
    this.retention.reset()
    this.logEnd.reset()
    try {
      if (this.db.inTransaction) this.undo.run()
    } catch (undoError) {
      return {
        status: 'fatal',
        corrupt: false,
        error: new EdgeError('store-failed', `rollback failed: ${messageOf(undoError)}`, { cause: error }),
      }
    }
    if (isNoRoom(error))
      return {
        status: 'full',
        cause: isDiskFull(error) ? 'disk' : 'unwritable',
        settled,
        error: new EdgeError('store-full', `the file system takes no more: ${messageOf(error)}`, { cause: error }),
      }
    return {
      status: 'fatal',
      corrupt: isCorrupt(error),
      error: new EdgeError('store-failed', `${systemCode(error) ?? 'write'}: ${messageOf(error)}`, { cause: error }),
    }
  }
}

function overLimit(settled: boolean): CommitResult {
  return {
    status: 'full',
    cause: 'limit',
    settled,
    error: new EdgeError('store-full', 'the store has reached maxBytes'),
  }
}

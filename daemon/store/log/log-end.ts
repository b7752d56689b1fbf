import type Database from 'better-sqlite3'
import type { Batch, Block, ClockReading } from './batch.ts'

/** How far the state row may lag behind the blocks: writing it into every commit would double what a lone message costs. */
const TELL_EVERY_MS = 100

/** Where the log ends, whether the state row or the blocks behind it say so. */
export interface LogEndRow {
  batch: number
  seq: number
  /** Of the newest message, or of the state row. */
  runningMs: number
}

/** By their ids: there are few, and a damaged index must not hide them. */
const UNTOLD = 'blocks NOT INDEXED WHERE id > (SELECT seq FROM state)'

/** Reads the end of the log of one moment. */
export function readLogEnd(db: Database.Database): LogEndRow | undefined {
  return db
    .prepare<[], LogEndRow>(
      `SELECT max(batch, coalesce((SELECT max(batch) FROM ${UNTOLD}), 0)) AS batch,
        max(seq, coalesce((SELECT max(last_seq) FROM ${UNTOLD}), 0)) AS seq,
        max(running_ms, coalesce((SELECT max(running_ms) FROM ${UNTOLD}), 0)) AS runningMs FROM state`,
    )
    .get()
}

export interface Written {
  messages: number
  bytes: number
}

/** Messages and bytes ever written to one stream, of one moment; its id is given twice. */
export const WRITTEN_SQL = `SELECT messages + coalesce((SELECT sum(count) FROM ${UNTOLD} AND stream = ?), 0) AS messages,
  bytes + coalesce((SELECT sum(length) FROM ${UNTOLD} AND stream = ?), 0) AS bytes FROM streams WHERE id = ?`

/**
 * The writer's view of the end of the log. The state row and the counts of the streams are those of one moment, `state.seq`; what
 * has come since stands in the blocks behind it, so that a commit need not write both. No block goes before it is told of.
 */
export class LogEnd {
  /** As committed. */
  batch: number
  seq: number
  private readonly db: Database.Database
  private readonly growStream: Database.Statement
  private readonly saveEnd: Database.Statement
  private readonly saveClock: Database.Statement
  /** Of each stream; undefined: to be read anew. */
  private untold: Map<number, Written> | undefined
  private next: { batch: number; seq: number; clock: ClockReading } | undefined
  private toldMs = -Infinity

  constructor(db: Database.Database) {
    this.db = db
    this.growStream = db.prepare('UPDATE streams SET messages = messages + ?, bytes = bytes + ? WHERE id = ?')
    this.saveEnd = db.prepare('UPDATE state SET batch = ?, seq = ? WHERE id = 1')
    this.saveClock = db.prepare(
      'UPDATE state SET running_ms = ?, monotonic_ms = ?, wall_ms = ?, synced = ? WHERE id = 1',
    )
    const end = readLogEnd(db)
    this.batch = end?.batch ?? 0
    this.seq = end?.seq ?? 0
  }

  /** Inside the transaction, before the blocks of a batch. */
  begin({ number, clock }: Batch): void {
    this.untold ??= readUntold(this.db)
    this.next = { batch: number, seq: this.seq, clock }
  }

  /** `written`: false where the block was dropped by policy, whose numbers are taken all the same. */
  block({ stream, count, length, lastSeq }: Block, written: boolean): void {
    if (this.next !== undefined) this.next.seq = Math.max(this.next.seq, lastSeq)
    if (written) grow((this.untold ??= readUntold(this.db)), stream, { messages: count, bytes: length })
  }

  /** Inside the transaction, behind the blocks: where none were written, nothing else says that the batch was. */
  finish(hasBlocks: boolean): void {
    const runningMs = this.next?.clock.runningMs ?? 0
    if (!hasBlocks || runningMs - this.toldMs >= TELL_EVERY_MS) this.tell()
  }

  /** Inside a transaction that may delete blocks, before it does. */
  tell(): void {
    const { batch, seq, clock } = this.next ?? { batch: this.batch, seq: this.seq, clock: undefined }
    const untold = (this.untold ??= readUntold(this.db))
    this.saveEnd.run(batch, seq)
    if (clock !== undefined) this.saveClock.run(clock.runningMs, clock.monotonicMs, clock.wallMs, clock.synced ? 1 : 0)
    for (const [stream, { messages, bytes }] of untold) this.growStream.run(messages, bytes, stream)
    untold.clear()
    this.toldMs = clock?.runningMs ?? -Infinity
  }

  /** The transaction stands. */
  keep(): void {
    this.batch = this.next?.batch ?? this.batch
    this.seq = this.next?.seq ?? this.seq
  }

  /** It was rolled back: what was counted for it, or told in it, was not. */
  reset(): void {
    this.next = undefined
    this.untold = undefined
    this.toldMs = -Infinity
  }
}

function readUntold(db: Database.Database): Map<number, Written> {
  const untold = new Map<number, Written>()
  const rows = db.prepare<[], Written & { stream: number }>(
    `SELECT stream, count AS messages, length AS bytes FROM ${UNTOLD}`,
  )
  for (const { stream, ...written } of rows.iterate()) grow(untold, stream, written)
  return untold
}

function grow(sums: Map<number, Written>, stream: number, { messages, bytes }: Written): void {
  const sum = sums.get(stream)
  if (sum === undefined) sums.set(stream, { messages, bytes })
  else {
    sum.messages += messages
    sum.bytes += bytes
  }
}

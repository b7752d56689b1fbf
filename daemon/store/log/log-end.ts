import type Database from 'better-sqlite3'
import { StateWriter } from '../tables/state.ts'
import type { StreamWriter } from '../tables/streams.ts'
import type { Batch, Block, ClockReading } from './batch.ts'

/** How far the state row may lag behind the blocks: written in every commit it dirties two more pages (bench `one-in-flight`). */
const SAVE_EVERY_MS = 100

/** The end of the log: the state row, or the blocks above it. */
export interface LogEndRow {
  batch: number
  seq: number
  /** Of the newest message, or of the state row. */
  runningMs: number
}

/** Blocks that the state row does not count yet. Found by their ids: there are few, and a damaged index must not hide them. */
const UNCOUNTED = 'blocks NOT INDEXED WHERE id > (SELECT seq FROM state)'

/** Reads the end of the log in one statement, so that its parts are of one moment. */
export function readLogEnd(db: Database.Database): LogEndRow | undefined {
  return db
    .prepare<[], LogEndRow>(
      `SELECT max(batch, coalesce((SELECT max(batch) FROM ${UNCOUNTED}), 0)) AS batch,
        max(seq, coalesce((SELECT max(last_seq) FROM ${UNCOUNTED}), 0)) AS seq,
        max(running_ms, coalesce((SELECT max(running_ms) FROM ${UNCOUNTED}), 0)) AS runningMs FROM state`,
    )
    .get()
}

export interface Written {
  messages: number
  bytes: number
}

/** Prepares the messages and bytes ever written to one stream; its id is bound three times. */
export function prepareWritten(db: Database.Database): Database.Statement<[number, number, number], Written> {
  return db.prepare(`SELECT messages + coalesce((SELECT sum(count) FROM ${UNCOUNTED} AND stream = ?), 0) AS messages,
  bytes + coalesce((SELECT sum(length) FROM ${UNCOUNTED} AND stream = ?), 0) AS bytes FROM streams WHERE id = ?`)
}

/**
 * The writer's view of the end of the log. The state row and the counts of the streams are those of one moment, `state.seq`; later
 * messages are counted by the blocks above it, so that a commit need not write both. No block is deleted before the row counts it.
 */
export class LogEnd {
  /** As committed. */
  batch: number
  seq: number
  private readonly db: Database.Database
  private readonly state: StateWriter
  private readonly streams: StreamWriter
  /** Sums of the uncounted blocks of each stream; undefined: to be read from the blocks. */
  private uncounted: Map<number, Written> | undefined
  private next: { batch: number; seq: number; clock: ClockReading } | undefined
  private savedMs = -Infinity

  constructor(db: Database.Database, streams: StreamWriter) {
    this.db = db
    this.state = new StateWriter(db)
    this.streams = streams
    const end = readLogEnd(db)
    this.batch = end?.batch ?? 0
    this.seq = end?.seq ?? 0
  }

  /** Inside the transaction, before the blocks of a batch. */
  begin({ number, clock }: Batch): void {
    this.uncounted ??= readUncounted(this.db)
    this.next = { batch: number, seq: this.seq, clock }
  }

  /** `written`: false where a policy dropped the block; its sequence numbers are used up all the same. */
  addBlock({ stream, count, length, lastSeq }: Block, written: boolean): void {
    if (this.next !== undefined) this.next.seq = Math.max(this.next.seq, lastSeq)
    if (written) grow((this.uncounted ??= readUncounted(this.db)), stream, { messages: count, bytes: length })
  }

  /** Inside the transaction, behind the blocks. Without blocks only the state row can say that the batch was committed. */
  finish(hasBlocks: boolean): void {
    const runningMs = this.next?.clock.runningMs ?? 0
    if (!hasBlocks || runningMs - this.savedMs >= SAVE_EVERY_MS) this.save()
  }

  /** Writes the state row and the counts of the streams. Inside the transaction, before it deletes a block. */
  save(): void {
    const { batch, seq, clock } = this.next ?? { batch: this.batch, seq: this.seq, clock: undefined }
    const uncounted = (this.uncounted ??= readUncounted(this.db))
    this.state.saveEnd(batch, seq)
    if (clock !== undefined) this.state.saveClock(clock)
    for (const [stream, { messages, bytes }] of uncounted) this.streams.countWritten(stream, messages, bytes)
    uncounted.clear()
    this.savedMs = clock?.runningMs ?? -Infinity
  }

  committed(): void {
    this.batch = this.next?.batch ?? this.batch
    this.seq = this.next?.seq ?? this.seq
  }

  rolledBack(): void {
    this.next = undefined
    this.uncounted = undefined
    this.savedMs = -Infinity
  }
}

function readUncounted(db: Database.Database): Map<number, Written> {
  const uncounted = new Map<number, Written>()
  const rows = db.prepare<[], Written & { stream: number }>(
    `SELECT stream, count AS messages, length AS bytes FROM ${UNCOUNTED}`,
  )
  for (const { stream, ...written } of rows.iterate()) grow(uncounted, stream, written)
  return uncounted
}

function grow(sums: Map<number, Written>, stream: number, { messages, bytes }: Written): void {
  const sum = sums.get(stream)
  if (sum === undefined) sums.set(stream, { messages, bytes })
  else {
    sum.messages += messages
    sum.bytes += bytes
  }
}

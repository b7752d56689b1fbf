import type Database from 'better-sqlite3'
import { databaseBytes, setMaxBytes } from '../connection.ts'
import { LIMIT } from '../sqlite.ts'
import type { CallLogLimits } from '../tables/calls.ts'
import type { Cursors } from '../tables/cursors.ts'
import { QuarantineCap } from '../tables/quarantine.ts'
import type { StreamRow } from '../tables/streams.ts'

const MiB = 1024 ** 2
/** Stays free below the page limit, for indexes, cursors and the next transaction. */
const SLACK_BYTES = 4 * MiB
const TRIM_EVERY_MS = 50
/** A trim deletes at most this and twice as many blocks as were written since the last one. */
const TRIM_BLOCKS = 64
/** History that is deleted beyond what is needed: making room costs a transaction of its own. */
const EXTRA_ROOM_BYTES = MiB
const ROOM_BLOCKS = 4_096

export interface StoreLimits {
  /** Database and WAL together. */
  maxBytes: number
  historyMaxAgeMs: number
  historyMaxBytes: number
  /** Absent: 7 days, 128 MiB. */
  callLog?: CallLogLimits
}

export interface RetentionOptions {
  db: Database.Database
  streams: ReadonlyMap<number, StreamRow>
  cursors: Cursors
  limits: StoreLimits
  /** Called inside the transaction, before it deletes the first block. */
  beforeDelete: () => void
}

interface BlockHead {
  id: number
  last_seq: number
  length: number
  running_ms: number
}

/** How far a stream is deleted and how far it is settled, as ids of blocks: between the two lies its history. */
interface Frontier {
  deletedTo: number
  settledTo: number
  /** The oldest block of the history; undefined until it is looked up. */
  oldest: BlockHead | undefined
}

/** Decides which blocks are deleted, and deletes them. Only settled blocks: messages that are not settled are the forwarder's to give up. */
export class Retention {
  historyBytes = 0
  /** Bytes that destinations must give up for the last refused batch; 0 when there was room. */
  wantedBytes = 0
  readonly quarantine: QuarantineCap
  private headroom = 0
  private lastTrimMs = -Infinity
  private blocksSinceTrim = 0
  private readonly db: Database.Database
  private readonly streams: ReadonlyMap<number, StreamRow>
  private readonly cursors: Cursors
  private readonly limits: StoreLimits
  private readonly beforeDelete: () => void
  private readonly frontiers = new Map<number, Frontier>()
  private readonly next: Database.Statement<[number, number, number], BlockHead>
  private readonly remove: Database.Statement<[number]>
  private readonly pageCount: Database.Statement<[], number>
  private readonly freePages: Database.Statement<[], number>
  private readonly pageSize: number

  constructor({ db, streams, cursors, limits, beforeDelete }: RetentionOptions) {
    this.db = db
    this.beforeDelete = beforeDelete
    this.streams = streams
    this.cursors = cursors
    this.limits = limits
    this.quarantine = new QuarantineCap(db)
    this.next = db.prepare(
      `SELECT id, last_seq, length, running_ms FROM blocks WHERE stream = ? AND id > ? ORDER BY id ${LIMIT}`,
    )
    this.remove = db.prepare('DELETE FROM blocks WHERE id = ?')
    this.pageCount = db.prepare<[], number>('PRAGMA page_count').pluck()
    this.freePages = db.prepare<[], number>('PRAGMA freelist_count').pluck()
    this.pageSize = Number(db.pragma('page_size', { simple: true }))
  }

  /** Bytes of pages in use. */
  usedBytes(): number {
    return ((this.pageCount.get() ?? 0) - (this.freePages.get() ?? 0)) * this.pageSize
  }

  /** Returns true if `bytes` fit into the pages that deleted blocks have left, so that the file need not grow. */
  fitsInside(bytes: number): boolean {
    return (this.freePages.get() ?? 0) * this.pageSize > bytes + bytes / 8 + SLACK_BYTES
  }

  setLimits(limits: StoreLimits): void {
    Object.assign(this.limits, limits)
    this.headroom = 0
    setMaxBytes(this.db, limits.maxBytes)
  }

  /** Deletes as much history as `bytes` need, in transactions of its own; returns whether they fit. */
  makeRoom(bytes: number, nowMs: number): boolean {
    const limit = databaseBytes(this.limits.maxBytes) - SLACK_BYTES
    // A blob fills whole overflow pages, hence the twentieth.
    const needed = bytes + bytes / 20 + 64 * 1024
    // One count of the free pages serves many commits: counting takes microseconds of each (bench `one-in-flight`).
    if (this.headroom > needed) {
      this.headroom -= needed
      return true
    }
    let excess = this.usedBytes() + needed - limit
    while (excess > 0) {
      const wanted = excess + EXTRA_ROOM_BYTES
      if (this.db.transaction(() => this.trim(nowMs, ROOM_BLOCKS, wanted))() === 0) break
      excess = this.usedBytes() + needed - limit
    }
    this.wantedBytes = Math.max(0, excess)
    this.headroom = Math.max(0, -excess) / 2
    return excess <= 0
  }

  /** Trims after a batch of `blocks` blocks. Deletion is spread over the commits, so that none of them takes long. */
  trimSometimes(nowMs: number, blocks: number): void {
    this.blocksSinceTrim += blocks
    if (nowMs - this.lastTrimMs < TRIM_EVERY_MS) return
    this.lastTrimMs = nowMs
    this.trim(nowMs, TRIM_BLOCKS + 2 * this.blocksSinceTrim)
    this.blocksSinceTrim = 0
  }

  /**
   * Deletes at most `maxBlocks` blocks of history that are too old or too many bytes; with `extraBytes` that much more, whatever their
   * age. Inside a transaction. Returns how many blocks were deleted.
   */
  trim(nowMs: number, maxBlocks: number, extraBytes = 0): number {
    this.advance(maxBlocks)
    let removed = 0
    let extra = extraBytes
    while (removed < maxBlocks) {
      const frontier = this.oldestHistory()
      const head = frontier?.oldest
      if (frontier === undefined || head === undefined) break
      const tooOld = head.running_ms < nowMs - this.limits.historyMaxAgeMs
      if (!tooOld && this.historyBytes <= this.limits.historyMaxBytes && extra <= 0) break
      if (removed === 0) this.beforeDelete()
      this.remove.run(head.id)
      frontier.deletedTo = head.id
      frontier.oldest = undefined
      this.historyBytes -= head.length
      extra -= head.length
      removed++
    }
    this.quarantine.trim(this.limits.maxBytes)
    return removed
  }

  /** After a rollback: blocks that were counted as deleted may still be there. */
  reset(): void {
    this.frontiers.clear()
    this.historyBytes = 0
    this.headroom = 0
    this.quarantine.rolledBack()
  }

  private advance(maxBlocks: number): void {
    for (const stream of this.streams.values()) {
      let frontier = this.frontiers.get(stream.id)
      if (frontier === undefined)
        this.frontiers.set(stream.id, (frontier = { deletedTo: 0, settledTo: 0, oldest: undefined }))
      const low = this.settledBelow(stream)
      if (low <= frontier.settledTo) continue
      for (const head of this.next.all(stream.id, frontier.settledTo, 256 + maxBlocks)) {
        if (head.last_seq >= low) break
        frontier.settledTo = head.id
        this.historyBytes += head.length
      }
    }
  }

  private settledBelow(stream: StreamRow): number {
    let low = Infinity
    for (const destination of stream.destinations)
      low = Math.min(low, this.cursors.get(destination, stream.lane)?.low ?? 0)
    return low
  }

  /** The frontier of the stream that has the oldest block of all histories. */
  private oldestHistory(): Frontier | undefined {
    let found: Frontier | undefined
    for (const [stream, frontier] of this.frontiers) {
      if (frontier.settledTo <= frontier.deletedTo) continue
      frontier.oldest ??= this.next.get(stream, frontier.deletedTo, 1)
      if (frontier.oldest === undefined || frontier.oldest.id > frontier.settledTo) continue
      if (found?.oldest === undefined || frontier.oldest.id < found.oldest.id) found = frontier
    }
    return found
  }
}

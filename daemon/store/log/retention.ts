import type Database from 'better-sqlite3'
import { LIMIT } from '../bound-limit.ts'
import type { CallLogLimits } from '../tables/call-log.ts'
import type { Cursors } from '../tables/cursors.ts'
import { QuarantineCap } from '../tables/quarantine-cap.ts'
import type { StreamRow } from './batch.ts'

const MiB = 1024 ** 2
/** Left below the page limit for what is not messages: indexes, cursors, the next transaction. */
const SLACK_BYTES = 4 * MiB
const TRIM_EVERY_MS = 50
/** Blocks that a trim deletes, beside twice as many as have come since the last one. */
const TRIM_BLOCKS = 64
/** When history has to go, so much more of it goes at once: making room costs a transaction of its own. */
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

/** Up to which block a stream has been deleted, and up to which it is settled: between the two lies its history. */
interface Frontier {
  deletedTo: number
  settledTo: number
  /** The oldest block of the history, once it has been looked up. */
  oldest: BlockHead | undefined
}

/** How many bytes of `maxBytes` the database itself may have; the rest is the WAL's. */
export function databaseBytes(maxBytes: number): number {
  return maxBytes - Math.min(64 * MiB, Math.max(16 * MiB, maxBytes / 4))
}

/** Decides which blocks go, and deletes them. Only settled blocks ever go here: what is not settled is the forwarder's to give up. */
export class Retention {
  historyBytes = 0
  /** Bytes that destinations would have to give up for the batch that was refused last; 0 when there was room. */
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

  /** Whether `bytes` find a place among the pages that deleted blocks have left, so that the file need not grow. */
  fitsInside(bytes: number): boolean {
    return (this.freePages.get() ?? 0) * this.pageSize > bytes + bytes / 8 + SLACK_BYTES
  }

  /** Replaces the limits while running. */
  setLimits(limits: StoreLimits): void {
    Object.assign(this.limits, limits)
    this.headroom = 0
    const pages = Math.floor(databaseBytes(limits.maxBytes) / this.pageSize)
    this.db.pragma(`max_page_count = ${pages}`)
  }

  /** Whether `bytes` more fit, after history has gone as far as needed. Runs its own transactions. */
  makeRoom(bytes: number, nowMs: number): boolean {
    const limit = databaseBytes(this.limits.maxBytes) - SLACK_BYTES
    // A blob fills whole overflow pages, hence the twentieth.
    const needed = bytes + bytes / 20 + 64 * 1024
    // What was free when last counted serves many commits: asking SQLite costs as much as a small insert.
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

  /** After so many blocks were written. Deletion is spread over the commits, so that none of them takes long. */
  trimSometimes(nowMs: number, blocks: number): void {
    this.blocksSinceTrim += blocks
    if (nowMs - this.lastTrimMs < TRIM_EVERY_MS) return
    this.lastTrimMs = nowMs
    this.trim(nowMs, TRIM_BLOCKS + 2 * this.blocksSinceTrim)
    this.blocksSinceTrim = 0
  }

  /**
   * Deletes history that is too old or too much, at most `maxBlocks` blocks; with `extraBytes` that much more, whatever its age.
   * Inside a transaction. Returns how many blocks went.
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

  /** After a rollback: what was counted as deleted may still be there. */
  reset(): void {
    this.frontiers.clear()
    this.historyBytes = 0
    this.headroom = 0
    this.quarantine.reset()
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

  /** The frontier whose history begins with the oldest block of all. */
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

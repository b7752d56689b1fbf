import type { Lane } from '../../core/message.ts'
import type { LogReader } from '../../store/log/log-reader.ts'
import type { RecordView } from '../../store/log/record.ts'
import { SettledSet } from '../../store/log/settled-set.ts'
import type { BlockHead } from '../../store/tables/blocks.ts'
import type { CursorRow } from '../../store/tables/cursors.ts'

/** A message on its way to one destination. */
export interface Entry {
  record: RecordView
  origin: BlockOrigin
  /** Numbers of the targets that have not confirmed it; filled in before its first send. */
  targets: readonly number[] | undefined
}

/** Facts that all messages of a block share. */
export interface BlockOrigin {
  epoch: number
  boot: number
  /** Running time at which its batch was closed, just before the commit. */
  closedMs: number
}

/** Bytes of the entry's record. */
export function sizeOf({ record }: Entry): number {
  return record.end - record.start
}

/** Messages that were settled without being sent. */
export interface Discarded {
  messages: number
  /** Their deliveries: one for each target. */
  deliveries: number
  bytes: number
  seqs: number[]
}

/** Whether the messages of a stream are meant for this destination and lane. */
export type StreamFilter = (stream: number) => boolean

const HEADS_AT_ONCE = 64
/** How far a cursor may move over messages of other destinations before it is written. */
const UNREPORTED_STEPS = 100_000
/** Messages that may wait for another attempt while those behind them are sent. */
const MAX_IN_FLIGHT = 5_000

/** The part of the log that a queue reads. */
export type BlockReader = Pick<LogReader, 'positionBefore' | 'headsAfter' | 'read' | 'snapshot'>

/**
 * The messages of one lane that one destination has still to settle, in sequence order. `inFlight` are being sent or have to be sent
 * again; `ready` are read and not sent yet. Every message that has been read and is in neither is settled, and the cursor
 * says exactly that.
 */
export class LaneQueue {
  readonly lane: Lane
  readonly cursor: CursorRow
  /** Bytes of blocks that could not be read. */
  damagedBytes = 0
  private readonly reader: BlockReader
  private readonly isWanted: StreamFilter
  private readonly deliveriesOf: (record: RecordView) => number
  private readonly settledBefore: SettledSet
  private inFlight: Entry[] = []
  private ready: Entry[] = []
  private position: number
  private readUpTo: number
  private hasSettled = false

  /** @param deliveriesOf the number of targets that a record has at this destination */
  constructor(
    reader: BlockReader,
    isWanted: StreamFilter,
    cursor: CursorRow,
    deliveriesOf: (record: RecordView) => number = () => 1,
  ) {
    this.reader = reader
    this.isWanted = isWanted
    this.deliveriesOf = deliveriesOf
    this.lane = cursor.lane
    this.cursor = cursor
    this.settledBefore = new SettledSet(cursor.low, cursor.ranges)
    this.position = reader.positionBefore(cursor.low)
    this.readUpTo = cursor.low - 1
  }

  /**
   * Takes the next messages out, up to `maxBytes`: those in flight first, then unread ones. The caller hands each of them to
   * `setInFlight` or `countSettled` before the cursor is asked for.
   */
  takeBatch(maxBytes: number): Entry[] {
    const taken = this.inFlight
    this.inFlight = []
    let bytes = taken.reduce((sum, entry) => sum + sizeOf(entry), 0)
    if (taken.length >= MAX_IN_FLIGHT) return taken
    while (bytes < maxBytes) {
      if (this.ready.length === 0 && !this.readMore(maxBytes)) break
      let count = 0
      for (const entry of this.ready) {
        const size = sizeOf(entry)
        if (bytes > 0 && bytes + size > maxBytes) break
        bytes += size
        count++
      }
      if (count === 0) break
      for (const entry of this.ready.splice(0, count)) taken.push(entry)
    }
    return taken
  }

  /** Counts entries that need no more work: delivered, dead, held, expired, or of another destination. */
  countSettled(entries: readonly Entry[]): void {
    if (entries.length === 0) return
    for (const entry of entries) this.cursor.settledBytes += sizeOf(entry)
    this.cursor.settled += entries.length
    this.hasSettled = true
  }

  /** Replaces the messages in flight, in sequence order. The cursor stays before them, and the next batch begins with them. */
  setInFlight(entries: readonly Entry[]): void {
    this.inFlight = [...entries]
  }

  /**
   * Settles the oldest messages without sending them, until they make up `bytes` or the next one was received at `olderThanMs` of
   * running time or later. Messages in flight are left alone.
   */
  discardOldest(bytes: number, olderThanMs = Infinity): Discarded {
    const discarded: Discarded = { messages: 0, deliveries: 0, bytes: 0, seqs: [] }
    while (discarded.bytes < bytes) {
      if (this.ready.length > 0) {
        const oldest = this.ready[0]
        if (oldest === undefined || oldest.record.runningMs >= olderThanMs) break
        this.ready.shift()
        discarded.messages++
        discarded.deliveries += this.deliveriesOf(oldest.record)
        discarded.bytes += sizeOf(oldest)
        discarded.seqs.push(oldest.record.seq)
        this.countSettled([oldest])
        continue
      }
      const heads = this.nextHeads(HEADS_AT_ONCE)
      if (heads.length === 0 || (heads[0]?.running_ms ?? 0) >= olderThanMs) break
      if (!this.readMore(1)) break
    }
    return discarded
  }

  /** A copy of the cursor if it has changed since the last call, to be written. */
  changedCursor(): CursorRow | undefined {
    const unsettled = this.ready[0]?.record.seq ?? this.readUpTo + 1
    const low = this.inFlight[0]?.record.seq ?? unsettled
    // Messages of other destinations move the cursor as well; that alone is rarely worth a write.
    if (!this.hasSettled && low - this.cursor.low < UNREPORTED_STEPS) return undefined
    this.hasSettled = false
    this.cursor.low = Math.max(low, this.cursor.low)
    const ranges: [number, number][] = []
    let from = low
    for (const { record } of this.inFlight) {
      if (record.seq > from) ranges.push([from, record.seq - 1])
      from = record.seq + 1
    }
    if (this.inFlight.length > 0 && unsettled > from) ranges.push([from, unsettled - 1])
    this.cursor.ranges = ranges
    return { ...this.cursor }
  }

  /** Running time at which the oldest message in memory was received; undefined where there is none. */
  get oldestRunningMs(): number | undefined {
    return (this.inFlight[0] ?? this.ready[0])?.record.runningMs
  }

  /** Fills `ready` from the log; false at its end. In one snapshot, because a lock for each block costs more than reading it. */
  private readMore(maxBytes: number): boolean {
    return this.reader.snapshot(() => this.readNext(maxBytes))
  }

  private readNext(maxBytes: number): boolean {
    for (;;) {
      const heads = this.nextHeads(HEADS_AT_ONCE)
      const chosen = chooseBatches(heads, this.isWanted, maxBytes)
      if (chosen.length === 0) return false
      this.position = chosen.at(-1)?.id ?? this.position
      let streams = 0
      let last = -1
      for (const head of chosen) {
        this.readUpTo = Math.max(this.readUpTo, head.last_seq)
        if (!this.isWanted(head.stream)) continue
        if (head.stream !== last) streams++
        last = head.stream
        this.decode(head)
      }
      if (streams > 1) this.ready.sort((a, b) => a.record.seq - b.record.seq)
      if (this.ready.length > 0) return true
    }
  }

  private nextHeads(limit: number): BlockHead[] {
    for (let count = limit; ; count *= 4) {
      const heads = this.reader.headsAfter(this.position, count)
      // The blocks of one batch interleave: never stop in the middle of the first one.
      if (heads.length < count || heads[0]?.batch !== heads.at(-1)?.batch) return heads
    }
  }

  private decode(head: BlockHead): void {
    const block = this.reader.read(head)
    if (block === undefined) return
    this.damagedBytes += block.damagedBytes
    const origin = { epoch: head.epoch, boot: head.boot, closedMs: head.running_ms }
    for (const record of block.records)
      if (!this.settledBefore.has(record.seq)) this.ready.push({ record, origin, targets: undefined })
  }
}

/** As many whole batches from the front as fit; at least one. */
function chooseBatches(heads: readonly BlockHead[], isWanted: StreamFilter, maxBytes: number): BlockHead[] {
  let bytes = 0
  let end = 0
  for (const [index, head] of heads.entries()) {
    const next = heads[index + 1]
    if (isWanted(head.stream)) bytes += head.length
    if (next !== undefined && next.batch === head.batch) continue
    if (end > 0 && bytes > maxBytes) break
    // The last batch may go on behind the heads that were read, unless they reach the end of the log.
    if (next === undefined && end > 0 && heads.length % HEADS_AT_ONCE === 0) break
    end = index + 1
  }
  return heads.slice(0, end)
}

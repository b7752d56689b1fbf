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
  /** Targets that have not confirmed it yet; filled in when it is first rendered. */
  targets: readonly number[] | undefined
}

/** What the messages of a block have in common. */
export interface BlockOrigin {
  epoch: number
  boot: number
  /** Running time at which its batch was closed off, to be committed at once: the last that is known before it was durable. */
  closedMs: number
}

/** Bytes of its record. */
export function sizeOf({ record }: Entry): number {
  return record.end - record.start
}

/** Whether messages of a stream are for this destination and lane. */
export type StreamFilter = (stream: number) => boolean

const HEADS_AT_ONCE = 64
/** How far a cursor may move over other destinations' messages before it is written. */
const UNREPORTED_STEPS = 100_000
/** Messages that may wait for another try while those behind them go on. */
const MAX_KEPT = 5_000

/**
 * What one destination has still to do on one lane, in sequence order. `kept` were sent and not taken, `ready` are read but not
 * sent; everything that has been read and is in neither is settled, which is all that the cursor has to say.
 */
export class LaneQueue {
  readonly lane: Lane
  readonly cursor: CursorRow
  /** Bytes of blocks that could not be read. */
  damagedBytes = 0
  private readonly reader: LogReader
  private readonly wants: StreamFilter
  private readonly settledBefore: SettledSet
  private kept: Entry[] = []
  private ready: Entry[] = []
  private position: number
  private readUpTo: number
  private changed = false

  constructor(reader: LogReader, wants: StreamFilter, cursor: CursorRow) {
    this.reader = reader
    this.wants = wants
    this.lane = cursor.lane
    this.cursor = cursor
    this.settledBefore = new SettledSet(cursor.low, cursor.ranges)
    this.position = reader.positionBefore(cursor.low)
    this.readUpTo = cursor.low - 1
  }

  /** The next messages, kept ones first, up to `maxBytes`; they stay here until `settle` or `keep` says what became of them. */
  take(maxBytes: number): Entry[] {
    const taken = this.kept
    this.kept = []
    let bytes = taken.reduce((sum, entry) => sum + sizeOf(entry), 0)
    if (taken.length >= MAX_KEPT) return taken
    while (bytes < maxBytes) {
      if (this.ready.length === 0 && !this.read(maxBytes)) break
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

  /** These need no more work. */
  settle(entries: readonly Entry[]): void {
    if (entries.length === 0) return
    for (const entry of entries) this.cursor.settledBytes += sizeOf(entry)
    this.cursor.settled += entries.length
    this.changed = true
  }

  /** These have to be sent again, before anything else of this lane; in sequence order. */
  keep(entries: readonly Entry[]): void {
    this.kept = [...entries]
  }

  /** Gives up unread blocks, oldest first, until `bytes` are free; returns which messages that were. What is under way is left alone. */
  giveUp(bytes: number, olderThanMs = Infinity): { messages: number; bytes: number; seqs: number[] } {
    const given = { messages: 0, bytes: 0, seqs: [] as number[] }
    while (given.bytes < bytes) {
      if (this.ready.length > 0) {
        const oldest = this.ready[0]
        if (oldest === undefined || oldest.record.runningMs >= olderThanMs) break
        this.ready.shift()
        given.messages++
        given.bytes += sizeOf(oldest)
        given.seqs.push(oldest.record.seq)
        this.settle([oldest])
        continue
      }
      const heads = this.nextHeads(HEADS_AT_ONCE)
      if (heads.length === 0 || (heads[0]?.running_ms ?? 0) >= olderThanMs) break
      if (!this.read(1)) break
    }
    return given
  }

  /** The cursor, if it has moved since it was last asked for. */
  report(): CursorRow | undefined {
    const unsettled = this.ready[0]?.record.seq ?? this.readUpTo + 1
    const low = this.kept[0]?.record.seq ?? unsettled
    // What was not for this destination moves the cursor as well; that alone is rarely worth a write.
    if (!this.changed && low - this.cursor.low < UNREPORTED_STEPS) return undefined
    this.changed = false
    this.cursor.low = Math.max(low, this.cursor.low)
    const ranges: [number, number][] = []
    let from = low
    for (const { record } of this.kept) {
      if (record.seq > from) ranges.push([from, record.seq - 1])
      from = record.seq + 1
    }
    if (this.kept.length > 0 && unsettled > from) ranges.push([from, unsettled - 1])
    this.cursor.ranges = ranges
    return { ...this.cursor }
  }

  get keptCount(): number {
    return this.kept.length
  }

  /** Running time at which the oldest message that waits was received; undefined where nothing waits in memory. */
  get oldestRunningMs(): number | undefined {
    return (this.kept[0] ?? this.ready[0])?.record.runningMs
  }

  /** Fills `ready` from the log; false where nothing more is there. In one moment: a lock for each block would cost more than the block. */
  private read(maxBytes: number): boolean {
    return this.reader.snapshot(() => this.readNext(maxBytes))
  }

  private readNext(maxBytes: number): boolean {
    for (;;) {
      const heads = this.nextHeads(HEADS_AT_ONCE)
      const chosen = chooseBatches(heads, this.wants, maxBytes)
      if (chosen.length === 0) return false
      this.position = chosen.at(-1)?.id ?? this.position
      let streams = 0
      let last = -1
      for (const head of chosen) {
        this.readUpTo = Math.max(this.readUpTo, head.last_seq)
        if (!this.wants(head.stream)) continue
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
      // Blocks of one batch interleave: never stop in the middle of the first one.
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

/** Whole batches from the front, as many as fit; at least one. */
function chooseBatches(heads: readonly BlockHead[], wants: StreamFilter, maxBytes: number): BlockHead[] {
  let bytes = 0
  let end = 0
  for (const [index, head] of heads.entries()) {
    const next = heads[index + 1]
    if (wants(head.stream)) bytes += head.length
    if (next !== undefined && next.batch === head.batch) continue
    if (end > 0 && bytes > maxBytes) break
    // The last batch may go on behind what was read, unless everything was.
    if (next === undefined && end > 0 && heads.length % HEADS_AT_ONCE === 0) break
    end = index + 1
  }
  return heads.slice(0, end)
}

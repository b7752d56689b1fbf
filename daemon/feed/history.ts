import type { FeedMessage } from '../ports/feed.ts'
import type { LogReader } from '../store/log/log-reader.ts'
import type { StoredRecord } from '../store/log/record.ts'
import type { BlockHead } from '../store/tables/blocks.ts'
import { feedMessage } from '../verdict/feed-message.ts'
import type { Plan } from '../verdict/plan.ts'
import { RecordOrigins } from '../verdict/record-origins.ts'

export interface HistoryPage {
  /** In sequence order. */
  messages: FeedMessage[]
  /** The next page begins behind this one. */
  lastSeq: number
  /** Messages before `lastSeq` that the log no longer has. */
  missing: number
  atEnd: boolean
}

/** The position of a message id in this log. */
export type HistoryPosition = { known: true; seq: number } | { known: false }

/** Block heads that one query reads. */
const HEADS = 64
/** Bounds of one page. */
const PAGE_BYTES = 256 * 1024
const PAGE_BLOCKS = 64

/** Reads messages back from the log for late readers. Pages are short, because they are read on the thread that serves devices. */
export class History {
  private readonly reader: LogReader
  private readonly plans = new Map<number, Plan>()
  private readonly origins: RecordOrigins

  constructor(reader: LogReader) {
    this.reader = reader
    this.origins = new RecordOrigins(reader)
  }

  /** @param id message-id that a reader names; unknown ids include those of other stores */
  position(id: string): HistoryPosition {
    const at = id.lastIndexOf(':') + 1
    const seq = Number(id.slice(at))
    const isOurs = /^\d{1,15}$/.test(id.slice(at)) && this.reader.messageIdPrefixes().includes(id.slice(0, at))
    return isOurs && seq <= this.reader.lastSeq() ? { known: true, seq } : { known: false }
  }

  /** The messages behind `after`. */
  page(after: number): HistoryPage {
    return this.reader.snapshot(() => this.read(after))
  }

  private read(after: number): HistoryPage {
    const { blocks, end } = this.blocksBehind(after)
    const found: { record: StoredRecord; head: BlockHead }[] = []
    for (const head of blocks)
      for (const record of this.reader.read(head)?.records ?? [])
        if (record.seq > after && record.seq <= (end ?? Infinity)) found.push({ record, head })
    found.sort((a, b) => a.record.seq - b.record.seq)
    // The log may end behind the last block: later messages have left it.
    const lastSeq = end ?? Math.max(after, this.reader.lastSeq())
    return {
      messages: found.map(({ record, head: { epoch, boot } }) => {
        const { wallMs } = this.origins.receivedAt(record, boot)
        return feedMessage(this.origins.epoch(epoch).prefix, record.seq, record, this.plan(record.plan), wallMs)
      }),
      lastSeq,
      // Each sequence number belongs to one message.
      missing: lastSeq - after - found.length,
      atEnd: end === undefined,
    }
  }

  /**
   * The blocks with messages behind `after`, and the sequence number up to which they are complete (undefined: to the end of the
   * log). Blocks of one batch interleave, because each stream has its own; they are complete up to the first message of the next block.
   */
  private blocksBehind(after: number): { blocks: BlockHead[]; end: number | undefined } {
    const blocks: BlockHead[] = []
    let bytes = 0
    let position = this.reader.positionBefore(after + 1)
    for (;;) {
      const heads = this.reader.headsAfter(position, HEADS)
      for (const head of heads) {
        const isFull = bytes > PAGE_BYTES || blocks.length >= PAGE_BLOCKS
        if (isFull && head.id > after + 1) return { blocks, end: head.id - 1 }
        position = head.id
        if (head.last_seq <= after) continue
        blocks.push(head)
        bytes += head.length
      }
      if (heads.length < HEADS) return { blocks, end: undefined }
    }
  }

  private plan(id: number): Plan | undefined {
    let plan = this.plans.get(id)
    if (plan !== undefined) return plan
    const body = this.reader.plan(id)
    if (body === undefined) return undefined
    plan = JSON.parse(body) as Plan
    this.plans.set(id, plan)
    return plan
  }
}

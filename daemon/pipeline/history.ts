import type { FeedMessage } from '../core/feed.ts'
import type { BlockHead, LogReader } from '../store/log-reader.ts'
import type { StoredRecord } from '../store/record.ts'
import { feedMessage } from './feed-message.ts'
import type { Plan } from './plan.ts'
import { RecordOrigins } from './record-origins.ts'

export interface HistoryPage {
  /** In the order of their sequence numbers. */
  messages: FeedMessage[]
  /** Go on behind this one. */
  lastSeq: number
  /** Messages before `lastSeq` that the log no longer has. */
  missing: number
  atEnd: boolean
}

/** Where a message id stands in this log. */
export type HistoryPosition = { known: true; seq: number } | { known: false }

/** Heads that are looked at for one page: the blocks of a batch belong together. */
const HEADS = 64
const PAGE_BYTES = 256 * 1024

/** Reads messages back from the log, for those who come late. Every page is short: it is read on the thread that serves devices. */
export class History {
  private readonly reader: LogReader
  private readonly plans = new Map<number, Plan>()
  private readonly origins: RecordOrigins

  constructor(reader: LogReader) {
    this.reader = reader
    this.origins = new RecordOrigins(reader)
  }

  /** Of a message-id that this store has given out. */
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
    const heads = this.reader.headsAfter(this.reader.positionBefore(after + 1), HEADS)
    const chosen = wholeBatches(heads)
    const found: { record: StoredRecord; head: BlockHead }[] = []
    for (const head of chosen) {
      if (head.last_seq <= after) continue
      for (const record of this.reader.read(head)?.records ?? []) if (record.seq > after) found.push({ record, head })
    }
    found.sort((a, b) => a.record.seq - b.record.seq)
    const atEnd = chosen.length === heads.length && heads.length < HEADS
    // Behind the last block there may have been more.
    const lastSeq = Math.max(after, ...chosen.map((head) => head.last_seq), atEnd ? this.reader.lastSeq() : 0)
    return {
      messages: found.map(({ record, head: { epoch, boot } }) => {
        const { wallMs } = this.origins.receivedAt(record, boot)
        return feedMessage(this.origins.epoch(epoch).prefix, record.seq, record, this.plan(record.plan), wallMs)
      }),
      lastSeq,
      // Every number belongs to one message of one stream.
      missing: lastSeq - after - found.length,
      atEnd,
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

/** Blocks of one batch interleave: a page ends with a batch, and takes one at least. */
function wholeBatches(heads: readonly BlockHead[]): BlockHead[] {
  const chosen: BlockHead[] = []
  let bytes = 0
  for (const head of heads) {
    if (bytes > PAGE_BYTES && head.batch !== chosen.at(-1)?.batch) return chosen
    chosen.push(head)
    bytes += head.length
  }
  if (heads.length < HEADS) return chosen
  const last = heads.at(-1)?.batch
  const whole = chosen.filter((head) => head.batch !== last)
  return whole.length === 0 ? chosen : whole
}

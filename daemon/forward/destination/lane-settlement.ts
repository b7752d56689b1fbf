import type { Logger } from '../../core/logger.ts'
import type { LostRange } from '../../store/tables/cursors.ts'
import type { DeadLetterInput } from '../../store/tables/dead-letters.ts'
import type { HeldInput } from '../../store/tables/held.ts'
import type { SettlementReporter } from '../thread/reporter.ts'
import type { BatchResult } from './batch-sender.ts'
import type { LaneQueue } from './lane-queue.ts'

type Fate = LostRange['fate']

/** Rows that a report carries beside the cursor of its lane. */
interface SettledRows {
  deadLetters?: DeadLetterInput[]
  held?: HeldInput[]
  released?: number[]
  lost?: LostRange[]
}

/** Beyond it ranges are coarser, which is exact enough: messages are discarded in order, with none left in between. */
const MAX_RANGES = 1_000
const NO_ROWS: SettledRows = {}

/** Settles messages of one destination: counts them, moves the cursors of its lanes and reports both to the log writer. */
export class LaneSettlement {
  private readonly destination: string
  private readonly lanes: readonly LaneQueue[]
  private readonly reporter: SettlementReporter
  private readonly logger: Logger

  constructor(destination: string, lanes: readonly LaneQueue[], reporter: SettlementReporter, logger: Logger) {
    this.destination = destination
    this.lanes = lanes
    this.reporter = reporter
    this.logger = logger
  }

  /** Reports the cursor of a lane if it has moved, and any rows. */
  report(queue: LaneQueue, { deadLetters = [], held = [], released = [], lost = [] } = NO_ROWS): void {
    const moved = queue.changedCursor()
    if (moved === undefined && deadLetters.length + held.length + released.length === 0) return
    this.reporter.report({ cursor: moved ?? { ...queue.cursor }, deadLetters, held, released, lost })
  }

  /** Settles a batch by its result; kept entries stay in flight. */
  settle(queue: LaneQueue, result: BatchResult): void {
    queue.setInFlight(result.kept)
    for (const entries of [result.delivered, result.expired, result.foreign, result.dead, result.parked])
      queue.countSettled(entries)
    queue.cursor.delivered += result.delivered.length
    queue.cursor.expired += result.expired.length
    queue.cursor.dead += result.dead.length
    const expired = result.expired.map(({ record }) => record.seq)
    const { deadLetters, held } = result
    this.report(queue, { deadLetters, held, lost: lostRanges(expired, 'expired') })
  }

  /** Discards the oldest messages that are not in flight, beginning with the last lane; returns the bytes that are free now. */
  discard(bytes: number): number {
    let freed = 0
    for (const queue of [...this.lanes].reverse()) {
      if (freed >= bytes) break
      const discarded = queue.discardOldest(bytes - freed)
      queue.cursor.dropped += discarded.messages
      freed += discarded.bytes
      if (discarded.messages === 0) continue
      this.logger.error(
        { code: 'store-full', subject: this.destination, messages: discarded.messages },
        'messages discarded to make room in the store',
      )
      this.report(queue, { lost: lostRanges(discarded.seqs, 'dropped') })
    }
    return freed
  }

  /** Expires messages that were received before `olderThanMs` of running time. */
  expire(olderThanMs: number): void {
    for (const queue of this.lanes) {
      const expired = queue.discardOldest(Infinity, olderThanMs)
      queue.cursor.expired += expired.messages
      this.report(queue, { lost: lostRanges(expired.seqs, 'expired') })
    }
  }

  /** Messages that need no more work here, counted since the destination was first configured. */
  totals(): { messages: number; bytes: number } {
    let messages = 0
    let bytes = 0
    for (const { cursor } of this.lanes) {
      messages += cursor.settled
      bytes += cursor.settledBytes
    }
    return { messages, bytes }
  }
}

/** Ascending sequence numbers as ranges without gaps. */
function lostRanges(seqs: Iterable<number>, fate: Fate): LostRange[] {
  const ranges: LostRange[] = []
  let last: LostRange | undefined
  for (const seq of seqs) {
    if (last !== undefined && (last.to === seq - 1 || ranges.length >= MAX_RANGES)) last.to = seq
    else ranges.push((last = { from: seq, to: seq, fate }))
  }
  return ranges
}

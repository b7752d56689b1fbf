import type { Logger } from '../../core/logger.ts'
import type { LostRange } from '../../store/tables/cursors.ts'
import type { DeadLetterInput } from '../../store/tables/dead-letters.ts'
import type { DeliveryKey, HeldInput } from '../../store/tables/held.ts'
import type { SettlementReporter } from '../thread/reporter.ts'
import type { BatchResult } from './batch-sender.ts'
import type { HeldRoutes } from './held-routes.ts'
import type { HeldResult } from './held-sender.ts'
import type { LaneQueue } from './lane-queue.ts'

type Fate = LostRange['fate']

/** Rows that a report carries beside the cursor of its lane. */
interface SettledRows {
  deadLetters?: DeadLetterInput[]
  held?: HeldInput[]
  released?: DeliveryKey[]
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

  /** Reports the cursor of a lane if it has moved, and any rows. Returns the number of the settlement, if there is one. */
  report(queue: LaneQueue, { deadLetters = [], held = [], released = [], lost = [] } = NO_ROWS): number | undefined {
    const moved = queue.changedCursor()
    if (moved === undefined && deadLetters.length + held.length + released.length === 0) return undefined
    return this.reporter.report({ cursor: moved ?? { ...queue.cursor }, deadLetters, held, released, lost })
  }

  /** Settles a batch by its result; kept entries stay in flight. */
  settle(queue: LaneQueue, result: BatchResult): void {
    const { settled, kept, delivered, expired, expiredSeqs, deadLetters, held } = result
    queue.setInFlight(kept)
    queue.countSettled(settled)
    queue.cursor.delivered += delivered
    queue.cursor.expired += expired
    queue.cursor.dead += deadLetters.length
    this.report(queue, { deadLetters, held, lost: lostRanges(expiredSeqs, 'expired') })
  }

  /** Settles held deliveries by their results, each on its lane, and takes those that are released off their routes. */
  settleHeld(held: HeldRoutes, results: readonly HeldResult[]): void {
    for (const queue of this.lanes) {
      const released = results.filter(({ row, isReleased }) => isReleased && row.lane === queue.lane)
      if (released.length === 0) continue
      const deadLetters = released.flatMap(({ deadLetter }) => deadLetter ?? [])
      queue.cursor.delivered += released.filter(({ isDelivered }) => isDelivered).length
      queue.cursor.dead += deadLetters.length
      const rows = released.map(({ row }) => row)
      const moved = released.flatMap((one) => one.moved ?? [])
      const number = this.report(queue, { deadLetters, released: rows.map(deliveryKey), held: moved })
      if (number !== undefined) held.release(rows, number)
    }
  }

  /** Gives up every message and held delivery; returns how many deliveries that were. */
  discardAll(held: HeldRoutes): number {
    let count = 0
    for (let rows = held.any(); rows.length > 0; rows = held.any()) {
      count += rows.length
      for (const queue of this.lanes) {
        const here = rows.filter((row) => row.lane === queue.lane)
        if (here.length === 0) continue
        queue.cursor.dropped += here.length
        const seqs = [...new Set(here.map(({ seq }) => seq))]
        const number = this.report(queue, { released: here.map(deliveryKey), lost: lostRanges(seqs, 'dropped') })
        if (number !== undefined) held.release(here, number)
      }
    }
    for (const queue of this.lanes) {
      const discarded = queue.discardOldest(Infinity)
      queue.cursor.dropped += discarded.deliveries
      count += discarded.deliveries
      this.report(queue, { lost: lostRanges(discarded.seqs, 'dropped') })
    }
    return count
  }

  /** Discards the oldest messages that are not in flight, beginning with the last lane; returns the bytes that are free now. */
  discard(bytes: number): number {
    let freed = 0
    for (const queue of [...this.lanes].reverse()) {
      if (freed >= bytes) break
      const discarded = queue.discardOldest(bytes - freed)
      queue.cursor.dropped += discarded.deliveries
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
      queue.cursor.expired += expired.deliveries
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

function deliveryKey({ seq, target }: DeliveryKey): DeliveryKey {
  return { seq, target }
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

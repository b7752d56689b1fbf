import { EdgeError } from '../../core/errors.ts'
import type { OutgoingAdapter } from '../../protocols/adapter.ts'
import { decodeRecord } from '../../store/log/record.ts'
import type { DeadLetterInput } from '../../store/tables/dead-letters.ts'
import type { HeldRow } from '../../store/tables/held.ts'
import type { BatchSender } from './batch-sender.ts'
import type { Entry } from './lane-queue.ts'

export interface ProbeInput {
  route: string
  rows: readonly HeldRow[]
  adapter: OutgoingAdapter
  sender: BatchSender
  /** Messages that were held before this running time are dead-lettered. */
  overdueMs: number
  /** The reason why the route is held. */
  reason: EdgeError | undefined
}

export interface Probed {
  /** Sequence numbers that leave the held table. */
  released: number[]
  deadLetters: DeadLetterInput[]
  delivered: number
  /** The destination accepted or rejected some of them, so the route may be open again. */
  isOpening: boolean
}

/** Sends the oldest held messages of a route once more, and dead-letters those that were held for too long. */
export async function probeRoute({ route, rows, adapter, sender, overdueMs, reason }: ProbeInput): Promise<Probed> {
  const released: number[] = []
  const deadLetters: DeadLetterInput[] = []
  const entries: Entry[] = []
  for (const row of rows) {
    const record = decodeRecord(row.record, 0, row.record.length)
    const entry =
      record === undefined
        ? undefined
        : {
            record,
            origin: { epoch: row.epoch, boot: row.boot, closedMs: record.runningMs },
            targets: undefined,
          }
    if (entry !== undefined && row.sinceRunningMs >= overdueMs) entries.push(entry)
    else released.push(row.seq)
    if (entry !== undefined && row.sinceRunningMs < overdueMs) {
      const why = reason?.message ?? 'the route stayed closed'
      deadLetters.push(sender.deadLetter(entry, route, new EdgeError('held-too-long', why)))
    }
  }
  const sent = await sender.probe(adapter, entries, route)
  return {
    released: [...released, ...sent.released],
    deadLetters: [...deadLetters, ...sent.deadLetters],
    delivered: sent.delivered,
    isOpening: sent.released.length > 0,
  }
}

import type { BootOp } from '../tables/boots.ts'
import type { CallOp } from '../tables/calls.ts'
import type { DeadLetterOp } from '../tables/dead-letters.ts'
import type { DocumentOp } from '../tables/documents.ts'
import type { IdempotencyOp } from '../tables/idempotency.ts'
import type { IncomingOp } from '../tables/incoming.ts'
import type { PlanOp } from '../tables/plans.ts'
import type { QuarantineOp } from '../tables/quarantine.ts'
import type { RetainedOp } from '../tables/retained.ts'
import type { StatisticsOp } from '../tables/statistics.ts'
import type { StreamOp } from '../tables/streams.ts'
import type { SubscriptionOp } from '../tables/subscriptions.ts'

/** An acknowledged message survives a power cut, because it was fsynced, or only the end of the process. */
export type Durability = 'power' | 'process'

/** Records of one stream, as they go into the log together. The writer reads the shared bytes, it does not copy them. */
export interface Block {
  stream: number
  buffer: SharedArrayBuffer
  length: number
  count: number
  firstSeq: number
  lastSeq: number
}

/** An operation on a table that becomes durable in the commit of its batch, in the order of the batch, before its blocks. */
export type Op = {
  /** The operation belongs to a message of its batch: it is not written where messages are dropped by policy. */
  withMessage?: true
} & (
  | PlanOp
  | StreamOp
  | QuarantineOp
  | DeadLetterOp
  | IncomingOp
  | RetainedOp
  | BootOp
  | DocumentOp
  | CallOp
  | SubscriptionOp
  | IdempotencyOp
  | StatisticsOp
)

/** The clocks at the moment at which a batch was closed; running time goes on from the last reading after a restart. */
export interface ClockReading {
  runningMs: number
  monotonicMs: number
  wallMs: number
  synced: boolean
}

/** One transaction. Numbers go up by one; the number is committed with it, so that it is never applied twice. */
export interface Batch {
  number: number
  blocks: Block[]
  ops: Op[]
  clock: ClockReading
  /** `power` where anything in it has to survive a power cut. */
  durability: Durability
}

import type { Settlement } from '../tables/cursors.ts'
import type { Batch, Op } from './batch.ts'

/** Bytes of a row without its texts and payload. */
const ROW_BYTES = 64

/** Estimates the bytes that an operation takes, in memory and on the disk. */
export function opBytes(op: Op): number {
  switch (op.type) {
    case 'quarantine':
      return ROW_BYTES + op.row.payload.length + op.row.errors.length + op.row.headers.length
    case 'retain':
      return ROW_BYTES + op.row.payload.length
    case 'call':
      return 6 * ROW_BYTES + (op.row.payload?.length ?? 0) + (op.row.headers?.length ?? 0)
    case 'plan':
      return ROW_BYTES + op.row.body.length
    // These are rare, and of any size.
    case 'register':
    case 'activate':
    case 'subscription':
    case 'idempotency':
    case 'statistics':
    case 'adopt':
      return ROW_BYTES + JSON.stringify(op).length
    case 'stream':
    case 'quarantine-delete':
    case 'dead-letter-delete':
    case 'dead-letter-replay':
    case 'incoming':
    case 'incoming-delete':
    case 'incoming-clear':
    case 'retain-delete':
    case 'clock-offset':
    case 'unregister':
    case 'pin':
    case 'subscription-delete':
    case 'statistics-trim':
      return ROW_BYTES
  }
}

/** Estimates the bytes that a transaction adds to the WAL, with the pages that every transaction changes. */
export function transactionBytes(batch: Batch | null, settlements: readonly Settlement[]): number {
  let bytes = 16 * 1024
  for (const block of batch?.blocks ?? []) bytes += block.length + 8 * 1024
  for (const op of batch?.ops ?? []) bytes += opBytes(op)
  for (const { deadLetters, held, lost } of settlements) {
    bytes += 1024 + (lost?.length ?? 0) * ROW_BYTES
    for (const letter of deadLetters) bytes += letter.record.length
    for (const one of held) bytes += one.record.length
  }
  return bytes
}

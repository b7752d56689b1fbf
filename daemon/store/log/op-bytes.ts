import type { Settlement } from '../tables/cursors.ts'
import type { Batch, Op } from './batch.ts'

/** Bytes of a row without its texts and payload. */
const ROW_BYTES = 64
/** Operations that are rare, and of any size: they are measured as JSON. */
const OF_ANY_SIZE = {
  register: true,
  activate: true,
  subscription: true,
  idempotency: true,
  statistics: true,
  adopt: true,
}

/** Estimates the bytes that an operation takes, in memory and on the disk. */
export function opBytes(op: Op): number {
  if (op.type === 'quarantine') return ROW_BYTES + op.row.payload.length + op.row.errors.length + op.row.headers.length
  if (op.type === 'retain') return ROW_BYTES + op.row.payload.length
  if (op.type === 'call') return 6 * ROW_BYTES + (op.row.payload?.length ?? 0) + (op.row.headers?.length ?? 0)
  if (op.type === 'plan') return ROW_BYTES + op.row.body.length
  return op.type in OF_ANY_SIZE ? ROW_BYTES + JSON.stringify(op).length : ROW_BYTES
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

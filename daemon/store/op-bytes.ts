import type { Op } from './batch.ts'

/** What the row itself takes, beside its texts. */
const ROW_BYTES = 64

/** About how many bytes an op takes, in memory and on the disk. */
export function opBytes(op: Op): number {
  if (op.type === 'quarantine') return ROW_BYTES + op.row.payload.length + op.row.errors.length + op.row.headers.length
  if (op.type === 'retain') return ROW_BYTES + op.row.payload.length
  if (op.type === 'plan') return ROW_BYTES + op.row.body.length
  return ROW_BYTES
}

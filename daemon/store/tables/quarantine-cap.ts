import type Database from 'better-sqlite3'

const MiB = 1024 ** 2
const MAX_ROWS = 10_000
const MAX_BYTES = 64 * MiB
/** Rows that go at a time once there are too many bytes. */
const STEP = 16

/** Keeps refused messages from crowding out good ones: so many rows, so many bytes, the oldest go first. */
export class QuarantineCap {
  private readonly maxRows: number
  private readonly sum: Database.Statement<[], number | null>
  private readonly surplus: Database.Statement<[number]>
  private readonly oldest: Database.Statement<[number]>
  private bytes: number | undefined

  constructor(db: Database.Database, maxRows = MAX_ROWS) {
    this.maxRows = maxRows
    this.sum = db
      .prepare<[], number | null>(
        'SELECT sum(64 + length(payload) + octet_length(errors) + octet_length(headers)) FROM quarantine',
      )
      .pluck()
    this.surplus = db.prepare<[number]>('DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?')
    this.oldest = db.prepare<[number]>(
      'DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine ORDER BY id LIMIT ?)',
    )
  }

  added(bytes: number): void {
    if (this.bytes !== undefined) this.bytes += bytes
  }

  /** Inside a transaction. */
  trim(maxStoreBytes: number): void {
    this.surplus.run(this.maxRows)
    const limit = Math.min(MAX_BYTES, maxStoreBytes / 16)
    if (this.bytes !== undefined && this.bytes <= limit) return
    // What was counted is only an upper bound: rows are also discarded by hand.
    for (this.bytes = this.sum.get() ?? 0; this.bytes > limit; this.bytes = this.sum.get() ?? 0) this.oldest.run(STEP)
  }

  /** After a rollback. */
  reset(): void {
    this.bytes = undefined
  }
}

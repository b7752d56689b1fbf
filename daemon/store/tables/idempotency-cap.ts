import type Database from 'better-sqlite3'

const MAX_AGE_MS = 24 * 3_600_000
const MAX_ROWS = 100_000

/** Keys of publications are kept for a day, and so many of them: the oldest go first. */
export class IdempotencyCap {
  private readonly old: Database.Statement<[number]>
  private readonly surplus: Database.Statement<[number]>

  constructor(db: Database.Database) {
    this.old = db.prepare<[number]>('DELETE FROM idempotency WHERE wall_ms < ?')
    this.surplus = db.prepare<[number]>(
      'DELETE FROM idempotency WHERE wall_ms < (SELECT wall_ms FROM idempotency ORDER BY wall_ms DESC LIMIT 1 OFFSET ?)',
    )
  }

  /** Inside a transaction. */
  trim(wallMs: number): void {
    this.old.run(wallMs - MAX_AGE_MS)
    this.surplus.run(MAX_ROWS - 1)
  }
}

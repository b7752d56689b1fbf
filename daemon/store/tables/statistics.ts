import type Database from 'better-sqlite3'
import type { StatisticsRow, StoredStep } from '../../telemetry/statistics/statistics-rows.ts'
import { prepareUpsert, type Table } from './table.ts'

export type StatisticsOp =
  | { type: 'statistics'; rows: StatisticsRow[] }
  /** Deletes rows before this bucket; `connections`: only those that are neither of a channel nor totals. */
  | { type: 'statistics-trim'; step: StoredStep; before: number; connections?: true }

export const statistics: Table = {
  salvage: { statistics: { rows: 'none', why: 'history of figures; counting starts anew' } },
  migrations: [
    {
      step: 1,
      rank: 2,
      sql: `
  CREATE TABLE statistics (
    step INTEGER NOT NULL, bucket INTEGER NOT NULL, scope TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (step, bucket, scope, key)) WITHOUT ROWID;`,
    },
  ],
}

/** How far back a trim looks for rows of connections: older ones, which only a pause of the trims leaves, go when all rows of their age go. */
const CONNECTIONS_TRIMMED_SECONDS = 600

export class StatisticsWriter {
  private readonly upsertRow: Database.Statement<[StatisticsRow]>
  private readonly deleteBefore: Database.Statement<[number, number]>
  private readonly deleteConnections: Database.Statement<[number, number, number]>

  constructor(db: Database.Database) {
    this.upsertRow = prepareUpsert(db, 'statistics')
    this.deleteBefore = db.prepare('DELETE FROM statistics WHERE step = ? AND bucket < ?')
    this.deleteConnections = db.prepare(
      "DELETE FROM statistics WHERE step = ? AND bucket >= ? AND bucket < ? AND scope NOT IN ('channel', 'total')",
    )
  }

  apply(op: StatisticsOp): void {
    if (op.type === 'statistics') for (const row of op.rows) this.upsertRow.run(row)
    else if (op.connections === true)
      this.deleteConnections.run(op.step, op.before - CONNECTIONS_TRIMMED_SECONDS, op.before)
    else this.deleteBefore.run(op.step, op.before)
  }
}

export class StatisticsReader {
  private readonly all: Database.Statement<[number, number, number], StatisticsRow>
  private readonly one: Database.Statement<[number, number, string, string], StatisticsRow>

  constructor(db: Database.Database) {
    const rows = 'SELECT step, bucket, scope, key, body FROM statistics WHERE step = ?'
    this.all = db.prepare(`${rows} AND bucket BETWEEN ? AND ? ORDER BY bucket`)
    this.one = db.prepare(`${rows} AND bucket = ? AND scope = ? AND key = ?`)
  }

  /** Rows of one step between two buckets, both included; of one subject, or of all. */
  between(step: StoredStep, from: number, to: number, scope?: string, key?: string): StatisticsRow[] {
    if (scope === undefined || key === undefined) return this.all.all(step, from, to)
    const rows: StatisticsRow[] = []
    // Each row is found at once by its key: between them lie those of hundreds of other subjects.
    for (let bucket = from; bucket <= to; bucket += step) {
      const row = this.one.get(step, bucket, scope, key)
      if (row !== undefined) rows.push(row)
    }
    return rows
  }
}

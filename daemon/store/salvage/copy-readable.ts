import type Database from 'better-sqlite3'
import { systemCode } from '../../core/errors.ts'
import type { SalvageRule } from '../tables/table.ts'
import { TABLES } from '../tables/tables.ts'
import {
  columnsInBoth,
  readableByNumber,
  readableFromBothEnds,
  type CopyReport,
  type DamagedSource,
} from './readable-rows.ts'

/** Rows of one transaction: a whole store is too large for one. */
const ROWS_AT_ONCE = 256

/** Copies the readable rows of a damaged database into an empty one, each table by its rule. Errors of the new one are thrown. */
export function copyReadable(db: Database.Database, target: Database.Database): CopyReport {
  const report: CopyReport = { messages: 0, lostRows: 0 }
  const source: DamagedSource = { db, report }
  const rules = TABLES.flatMap((table) => Object.entries(table.salvage))
  for (const [name, rule] of rules) insertAll(target, name, readableRows(source, target, name, rule), report)
  target.transaction(() => {
    for (const [name, rule] of rules) report.lostRows += deleteUnsound(target, name, rule)
  })()
  target.transaction(() => {
    for (const table of TABLES) table.restore?.(target)
  })()
  target.transaction(() => {
    for (const table of TABLES) table.conclude?.(db, target)
  })()
  return report
}

function readableRows(
  source: DamagedSource,
  target: Database.Database,
  table: string,
  rule: SalvageRule,
): Iterable<Record<string, unknown>> {
  if (rule.rows === 'none') return []
  if (rule.rows === 'own') return rule.read(source, target)
  const columns = columnsInBoth(source, target, table)
  if (columns === '') return []
  return rule.rows === 'by-number'
    ? readableByNumber(source, table, columns, rule.key)
    : readableFromBothEnds(source, table, columns, rule.key)
}

function insertAll(
  target: Database.Database,
  table: string,
  rows: Iterable<Record<string, unknown>>,
  report: CopyReport,
): void {
  let count = 0
  target.exec('BEGIN')
  try {
    for (const row of rows) {
      insert(target, table, row, report)
      if (++count % ROWS_AT_ONCE === 0) target.exec('COMMIT; BEGIN')
    }
  } finally {
    if (target.inTransaction) target.exec('COMMIT')
  }
}

function insert(target: Database.Database, table: string, row: Record<string, unknown>, report: CopyReport): void {
  const names = Object.keys(row)
  try {
    target
      .prepare(
        `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`,
      )
      .run(...Object.values(row))
  } catch (error) {
    // No program of ours writes a row whose values are of the wrong kind.
    if (systemCode(error)?.startsWith('SQLITE_CONSTRAINT') !== true && systemCode(error) !== 'SQLITE_MISMATCH')
      throw error
    report.lostRows++
  }
}

function deleteUnsound(target: Database.Database, table: string, rule: SalvageRule): number {
  if (!('sound' in rule)) return 0
  return target.prepare(`DELETE FROM ${table} WHERE NOT coalesce(${rule.sound}, 0)`).run().changes
}

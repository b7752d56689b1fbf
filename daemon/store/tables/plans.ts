import type Database from 'better-sqlite3'
import type { CopyWriter } from './copies.ts'
import type { Table } from './table.ts'

/** A plan, as text that only `verdict/` reads. */
export interface PlanRow {
  id: number
  body: string
}

export type PlanOp = { type: 'plan'; row: PlanRow }

export const plans: Table = {
  salvage: { plans: { rows: 'by-number', key: 'id' } },
  migrations: [{ step: 0, sql: '\n  CREATE TABLE plans (id INTEGER PRIMARY KEY, body TEXT NOT NULL);' }],
}

export class PlanWriter {
  private readonly copies: CopyWriter
  private readonly insertPlan: Database.Statement<[number, string]>
  private readonly replacePlan: Database.Statement<[string, number]>

  constructor(db: Database.Database, copies: CopyWriter) {
    this.copies = copies
    this.insertPlan = db.prepare('INSERT INTO plans (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING')
    this.replacePlan = db.prepare('UPDATE plans SET body = ? WHERE id = ?')
  }

  insert({ id, body }: PlanRow): void {
    this.insertPlan.run(id, body)
    this.copies.insert('plan', id, body)
  }

  replace({ id, body }: PlanRow): void {
    this.replacePlan.run(body, id)
    this.copies.replace('plan', id, body)
  }
}

export function readPlans(db: Database.Database): PlanRow[] {
  return db.prepare<[], PlanRow>('SELECT id, body FROM plans').all()
}

export function preparePlanBody(db: Database.Database): Database.Statement<[number], string> {
  return db.prepare<[number], string>('SELECT body FROM plans WHERE id = ?').pluck()
}

import type Database from 'better-sqlite3'
import type { Table } from './table.ts'

/** The wall clock of this boot was synchronised: wall times of its messages can be told from running times now. */
export type BootOp = { type: 'clock-offset'; wallMinusRunningMs: number }

export const boots: Table = {
  salvage: { boots: { rows: 'by-number', key: 'id' } },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE boots (id INTEGER PRIMARY KEY AUTOINCREMENT, boot_id TEXT NOT NULL, wall_minus_running_ms REAL);`,
    },
  ],
}

/** The id that the operating system gave to the boot in which the store was opened last. */
export function lastBootId(db: Database.Database): string | undefined {
  return db.prepare<[], string>('SELECT boot_id FROM boots ORDER BY id DESC LIMIT 1').pluck().get()
}

/** Returns the number of the new row. `wallMinusRunningMs`: null where the wall clock is not synchronised. */
export function insertBoot(db: Database.Database, bootId: string, wallMinusRunningMs: number | null): number {
  const insert = db.prepare('INSERT INTO boots (boot_id, wall_minus_running_ms) VALUES (?, ?)')
  return Number(insert.run(bootId, wallMinusRunningMs).lastInsertRowid)
}

export class BootWriter {
  private readonly boot: number
  private readonly setOffset: Database.Statement<[number, number]>

  constructor(db: Database.Database, boot: number) {
    this.boot = boot
    this.setOffset = db.prepare('UPDATE boots SET wall_minus_running_ms = ? WHERE id = ?')
  }

  setClockOffset({ wallMinusRunningMs }: BootOp): void {
    this.setOffset.run(wallMinusRunningMs, this.boot)
  }
}

/** Prepares the wall minus the running time of a boot; null while its clock was never synchronised. */
export function prepareWallOffset(db: Database.Database): Database.Statement<[number], number | null> {
  return db.prepare<[number], number | null>('SELECT wall_minus_running_ms FROM boots WHERE id = ?').pluck()
}

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { syncFolder } from '../../platform/write-durably.ts'
import { databaseFile, openWritable, type WritableOptions } from '../connection.ts'
import { APPLICATION_ID, migrate } from '../tables/schema.ts'
import { copyReadable } from './copy-readable.ts'
import { openDamaged } from './open-damaged.ts'
import type { CopyReport } from './readable-rows.ts'

const REPORT = 'report.json'

export interface SalvageReport extends CopyReport {
  /** Why the database was given up. */
  damage: string
  /** Folder of the damaged files; nothing ever deletes it. */
  aside: string
}

/**
 * Copies every row that can still be read (of messages those whose checksum holds) into a new database, moves the damaged one aside
 * and puts the new one in its place. The damaged files are only read. A crash in the middle loses nothing: until the copy is whole
 * the damaged database stays where it is, and from then on `finishSalvage` completes the exchange.
 */
export function salvage(
  directory: string,
  options: WritableOptions,
  damage: string,
  wallMs: number,
): SalvageReport | undefined {
  const draft = join(directory, 'salvage')
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o750 })
  const report: SalvageReport = { damage, aside: freeName(directory, wallMs), messages: 0, lostRows: 0 }
  const target = openWritable(draft, options)
  try {
    migrate(target)
    target.pragma(`application_id = ${APPLICATION_ID}`)
    const source = openDamaged(directory, draft, target)
    try {
      if (source !== undefined) Object.assign(report, copyReadable(source, target))
    } finally {
      source?.close()
    }
  } finally {
    target.close()
  }
  writeFileSync(join(draft, REPORT), JSON.stringify(report), { flush: true })
  renameSync(draft, wholeCopy(directory))
  syncFolder(directory)
  return finishSalvage(directory)
}

/** Puts a whole copy in the place of the damaged database; returns undefined if there is none. */
export function finishSalvage(directory: string): SalvageReport | undefined {
  const copy = wholeCopy(directory)
  if (!existsSync(copy)) return undefined
  const report = existsSync(databaseFile(copy)) ? exchange(directory, copy) : undefined
  rmSync(copy, { recursive: true, force: true })
  return report
}

function exchange(directory: string, copy: string): SalvageReport {
  const report = JSON.parse(readFileSync(join(copy, REPORT), 'utf8')) as SalvageReport
  const file = databaseFile(directory)
  mkdirSync(report.aside, { recursive: true, mode: 0o750 })
  // The three belong together: commits of the database may stand in its WAL only.
  for (const suffix of ['-shm', '-wal', ''])
    if (existsSync(file + suffix)) renameSync(file + suffix, join(report.aside, basename(file) + suffix))
  renameSync(databaseFile(copy), file)
  syncFolder(directory)
  return report
}

/** Numbers a name that is taken: a gateway without a clock may salvage twice at the same time of day. */
function freeName(directory: string, wallMs: number): string {
  const name = join(directory, `damaged-${new Date(wallMs).toISOString().replaceAll(/[:.]/g, '-')}`)
  let free = name
  for (let number = 2; existsSync(free); number++) free = `${name}-${number}`
  return free
}

function wholeCopy(directory: string): string {
  return join(directory, 'salvaged')
}

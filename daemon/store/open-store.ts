import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Clock } from '../core/clock.ts'
import { EdgeError, messageOf, systemCode } from '../core/errors.ts'
import { Ballast } from './ballast.ts'
import { databaseFile, openWritable, type WritableOptions } from './connection.ts'
import { readLogEnd } from './log/log-end.ts'
import type { WriterIdentity } from './log/log-writer.ts'
import { RunningClock } from './log/running-clock.ts'
import { findDamage } from './salvage/check-store.ts'
import { finishSalvage, salvage, type SalvageReport } from './salvage/salvage.ts'
import { isCorrupt, isNoRoom, isSqliteError } from './sqlite-codes.ts'
import { migrate, SCHEMA_VERSION, schemaVersion, APPLICATION_ID } from './tables/schema.ts'

export interface OpenStoreOptions extends WritableOptions {
  directory: string
  gatewayId: string
  machineId: string
  bootId: string
  clock: Clock
  clockSynced: boolean
}

export interface OpenedStore {
  identity: WriterIdentity
  /** `<gateway id>:<store id>:`, before the sequence number of every new message. */
  messageIdPrefix: string
  clock: RunningClock
  batch: number
  seq: number
  /** What was moved aside and what came back, if the database was damaged. */
  salvaged: SalvageReport | undefined
}

interface StateRow {
  batch: number
  seq: number
  clean: number
  running_ms: number
  monotonic_ms: number
  wall_ms: number
  synced: number
}

/**
 * Brings a store into a state in which the writer thread can take it: checked, salvaged if it was damaged, migrated, with an
 * epoch in which no sequence number has been used. The caller holds the store's lock.
 */
export function openStore(options: OpenStoreOptions): OpenedStore {
  mkdirSync(options.directory, { recursive: true, mode: 0o750 })
  try {
    return prepare(options)
  } catch (error) {
    // Damage that the check has not seen: it looks everywhere now.
    if (isCorrupt(error)) requestCheck(options.directory)
    // A full disk must not keep the gateway from sending on what it has: that is what frees space.
    else if (isNoRoom(error)) new Ballast(options.directory).release()
    else throw error
    return prepare(options)
  }
}

function prepare(options: OpenStoreOptions): OpenedStore {
  rollBackFirstStart(options.directory)
  refuseNewer(options.directory)
  // Whoever asks for it may have put an older state in its place, from which numbers would come again.
  const isAsked = existsSync(checkMarker(options.directory))
  const salvaged = salvageIfDamaged(options)
  // Always with fsync: after a power cut, too, it must be known that this start has used sequence numbers.
  const db = openWritable(options.directory, { ...options, durability: 'power' })
  try {
    migrate(db)
    db.pragma(`application_id = ${APPLICATION_ID}`)
    return { ...db.transaction(() => begin(db, options, isAsked || salvaged !== undefined)).immediate(), salvaged }
  } finally {
    db.close()
  }
}

/** Only before a store is in WAL mode is there a journal: a first start was cut off, and nothing can be read before that is undone. */
function rollBackFirstStart(directory: string): void {
  const file = databaseFile(directory)
  if (!existsSync(`${file}-journal`)) return
  const db = new Database(file, { timeout: 1_000 })
  try {
    schemaVersion(db)
  } catch (error) {
    // What cannot be read is the check's to judge.
    if (!isSqliteError(error)) throw error
  } finally {
    db.close()
  }
}

/** Read-only, so that a newer version finds its files as it left them. */
function refuseNewer(directory: string): void {
  const file = databaseFile(directory)
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) return
  const db = new Database(file, { readonly: true, timeout: 1_000 })
  try {
    const version = schemaVersion(db)
    const ours = db.pragma('application_id', { simple: true }) === APPLICATION_ID
    if (ours && version > SCHEMA_VERSION)
      throw new EdgeError('store-newer', `${directory} has schema ${version}, this program knows ${SCHEMA_VERSION}`)
  } catch (error) {
    // What cannot be read is the check's to judge.
    if (!isSqliteError(error)) throw error
  } finally {
    db.close()
  }
}

/** The last act of a clean end: sequence numbers go on where they stopped. The writer has closed its connection. */
export function markClean(directory: string, options: WritableOptions): void {
  const db = openWritable(directory, options)
  try {
    db.exec('UPDATE state SET clean = 1')
  } finally {
    db.close()
  }
}

/** Asks the next start for a whole check and a new store id; called where the database answered that it is corrupt. */
export function requestCheck(directory: string): void {
  writeFileSync(checkMarker(directory), '')
}

function checkMarker(directory: string): string {
  return join(directory, 'check-requested')
}

function salvageIfDamaged(options: OpenStoreOptions): SalvageReport | undefined {
  const { directory } = options
  const interrupted = finishSalvage(directory)
  const marker = checkMarker(directory)
  const damage = findDamage(directory, existsSync(marker))
  const report = damage === undefined ? interrupted : salvage(directory, options, damage, options.clock.wallMs())
  rmSync(marker, { force: true })
  return report
}

function begin(db: Database.Database, options: OpenStoreOptions, isDoubtful: boolean): Omit<OpenedStore, 'salvaged'> {
  const state = db.prepare<[], StateRow>('SELECT * FROM state').get()
  const end = readLogEnd(db)
  if (state === undefined || end === undefined) throw new EdgeError('store-unusable', 'the state row is missing')
  const epoch = continueEpoch(db, options, state.clean === 1 && !isDoubtful)
  const lastBoot = db
    .prepare<[], { id: number; boot_id: string }>('SELECT id, boot_id FROM boots ORDER BY id DESC LIMIT 1')
    .get()
  const isSameBoot = lastBoot?.boot_id === options.bootId
  const last = {
    // The reading of the clocks is that of the state row; of an earlier boot nothing tells how far they went on.
    runningMs: isSameBoot ? state.running_ms : end.runningMs,
    monotonicMs: state.monotonic_ms,
    wallMs: state.wall_ms,
    synced: state.synced === 1,
  }
  const clock = new RunningClock(options.clock, last, isSameBoot, options.clockSynced)
  const offset = options.clockSynced ? clock.wallMs() - clock.runningMs() : null
  const boot = Number(
    db.prepare('INSERT INTO boots (boot_id, wall_minus_running_ms) VALUES (?, ?)').run(options.bootId, offset)
      .lastInsertRowid,
  )
  db.exec('UPDATE state SET clean = 0')
  return {
    identity: { epoch: epoch.id, boot },
    messageIdPrefix: `${options.gatewayId}:${epoch.store_id}:`,
    clock,
    batch: end.batch,
    seq: end.seq,
  }
}

interface EpochRow {
  id: number
  store_id: string
  gateway: string
  machine: string
}

/** A new store id whenever numbers might come again: unclean end, salvage, another machine or gateway. */
function continueEpoch(db: Database.Database, options: OpenStoreOptions, clean: boolean): EpochRow {
  const last = db
    .prepare<[], EpochRow>('SELECT id, store_id, gateway, machine FROM epochs ORDER BY id DESC LIMIT 1')
    .get()
  if (last !== undefined && clean && last.gateway === options.gatewayId && last.machine === options.machineId)
    return last
  const row = { store_id: randomBytes(6).toString('hex'), gateway: options.gatewayId, machine: options.machineId }
  const at = new Date(options.clock.wallMs()).toISOString()
  const id = db
    .prepare('INSERT INTO epochs (store_id, gateway, machine, created_at) VALUES (?, ?, ?, ?)')
    .run(row.store_id, row.gateway, row.machine, at).lastInsertRowid
  db.prepare("INSERT INTO copies (kind, id, body) VALUES ('epoch', ?, ?) ON CONFLICT DO NOTHING").run(
    id,
    JSON.stringify({ ...row, created_at: at }),
  )
  return { id: Number(id), ...row }
}

/** Why a store could not be opened, as an EdgeError. */
export function openFailure(directory: string, error: unknown): EdgeError {
  if (error instanceof EdgeError) return error
  return new EdgeError(
    isNoRoom(error) ? 'store-full' : 'store-unusable',
    `${directory}: ${systemCode(error) ?? 'error'}: ${messageOf(error)}`,
    { cause: error },
  )
}

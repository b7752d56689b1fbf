import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Clock } from '../core/clock.ts'
import { EdgeError, messageOf, systemCode } from '../core/errors.ts'
import { Ballast } from './ballast.ts'
import { databaseFile, openWritable, type WritableOptions } from './connection.ts'
import { readLogEnd } from './log/log-end.ts'
import { RunningClock } from './log/running-clock.ts'
import { findDamage } from './salvage/check-store.ts'
import { finishSalvage, salvage, type SalvageReport } from './salvage/salvage.ts'
import { isCorrupt, isNoRoom, isSqliteError } from './sqlite.ts'
import type { WriterIdentity } from './tables/blocks.ts'
import { insertBoot, lastBootId } from './tables/boots.ts'
import { CopyWriter } from './tables/copies.ts'
import { insertEpoch, lastEpoch, messageIdPrefix, type EpochRow } from './tables/epochs.ts'
import { migrate, SCHEMA_VERSION, schemaVersion, APPLICATION_ID } from './tables/schema.ts'
import { readState, setClean } from './tables/state.ts'

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
  /** Present if the database was damaged. */
  salvaged: SalvageReport | undefined
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
    // The check has missed this damage: the next one looks everywhere.
    if (isCorrupt(error)) requestCheck(options.directory)
    // On a full disk the gateway must start all the same: forwarding what is stored frees space.
    else if (isNoRoom(error)) new Ballast(options.directory).release()
    else throw error
    return prepare(options)
  }
}

function prepare(options: OpenStoreOptions): OpenedStore {
  rollBackFirstStart(options.directory)
  refuseNewer(options.directory)
  // An operator who asks for a check may have restored an older copy of the store, from which numbers would come again.
  const isAsked = existsSync(checkMarker(options.directory))
  const salvaged = salvageIfDamaged(options)
  // Always with fsync: the next start must know, after a power cut too, that this one has used sequence numbers.
  const db = openWritable(options.directory, { ...options, durability: 'power' })
  try {
    migrate(db)
    db.pragma(`application_id = ${APPLICATION_ID}`)
    return { ...db.transaction(() => begin(db, options, isAsked || salvaged !== undefined)).immediate(), salvaged }
  } finally {
    db.close()
  }
}

/** Undoes a first start that was cut off before WAL mode: only then is there a journal, and nothing can be read before it is rolled back. */
function rollBackFirstStart(directory: string): void {
  const file = databaseFile(directory)
  if (!existsSync(`${file}-journal`)) return
  const db = new Database(file, { timeout: 1_000 })
  try {
    schemaVersion(db)
  } catch (error) {
    // The check judges files that cannot be read.
    if (!isSqliteError(error)) throw error
  } finally {
    db.close()
  }
}

/** Opens the database read-only, so that a newer version finds its files as it left them. */
function refuseNewer(directory: string): void {
  const file = databaseFile(directory)
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) return
  const db = new Database(file, { readonly: true, timeout: 1_000 })
  try {
    const version = schemaVersion(db)
    const ours = db.pragma('application_id', { simple: true }) === APPLICATION_ID
    if (ours && version > SCHEMA_VERSION)
      throw new EdgeError(
        'store-newer',
        `${directory} has schema ${version}; this program knows schemas up to ${SCHEMA_VERSION}`,
      )
  } catch (error) {
    // The check judges files that cannot be read.
    if (!isSqliteError(error)) throw error
  } finally {
    db.close()
  }
}

/** Marks the end as clean, so that the next start goes on with the same store id. The writer must have closed its connection. */
export function markClean(directory: string, options: WritableOptions): void {
  const db = openWritable(directory, options)
  try {
    setClean(db, true)
  } finally {
    db.close()
  }
}

/** Has the next start check the whole database and draw a new store id. Called where the database was found corrupt. */
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
  const state = readState(db)
  const end = readLogEnd(db)
  if (state === undefined || end === undefined) throw new EdgeError('store-unusable', 'the state row is missing')
  const epoch = continueEpoch(db, options, state.clean === 1 && !isDoubtful)
  const isSameBoot = lastBootId(db) === options.bootId
  const last = {
    // Within one boot the monotonic clock tells the time since the state row; after another one the newest block is the best reading.
    runningMs: isSameBoot ? state.running_ms : end.runningMs,
    monotonicMs: state.monotonic_ms,
    wallMs: state.wall_ms,
    synced: state.synced === 1,
  }
  const clock = new RunningClock(options.clock, last, isSameBoot, options.clockSynced)
  const offset = options.clockSynced ? clock.wallMs() - clock.runningMs() : null
  const boot = insertBoot(db, options.bootId, offset)
  setClean(db, false)
  return {
    identity: { epoch: epoch.id, boot },
    messageIdPrefix: messageIdPrefix(epoch),
    clock,
    batch: end.batch,
    seq: end.seq,
  }
}

/** Draws a new store id whenever numbers might come again: after an unclean end or a salvage, on another machine or gateway. */
function continueEpoch(db: Database.Database, options: OpenStoreOptions, clean: boolean): EpochRow {
  const last = lastEpoch(db)
  if (last !== undefined && clean && last.gateway === options.gatewayId && last.machine === options.machineId)
    return last
  const row = { store_id: randomBytes(6).toString('hex'), gateway: options.gatewayId, machine: options.machineId }
  const at = new Date(options.clock.wallMs()).toISOString()
  const epoch = insertEpoch(db, row, at)
  new CopyWriter(db).insert('epoch', epoch.id, JSON.stringify({ ...row, created_at: at }))
  return epoch
}

/** Turns the error of a store that could not be opened into an EdgeError. */
export function openFailure(directory: string, error: unknown): EdgeError {
  if (error instanceof EdgeError) return error
  return new EdgeError(
    isNoRoom(error) ? 'store-full' : 'store-unusable',
    `${directory}: ${systemCode(error) ?? 'error'}: ${messageOf(error)}`,
    { cause: error },
  )
}

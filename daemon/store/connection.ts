import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Durability } from './log/batch.ts'

const MiB = 1024 ** 2
export const PAGE_BYTES = 4096

export function databaseFile(directory: string): string {
  return join(directory, 'stepflow.db')
}

export interface WritableOptions {
  durability: Durability
  maxBytes: number
}

/** Opens the connection that writes. Settings that must stand before the first table come first. */
export function openWritable(directory: string, options: WritableOptions): Database.Database {
  const db = new Database(databaseFile(directory), { timeout: 50 })
  db.pragma(`page_size = ${PAGE_BYTES}`)
  db.pragma('auto_vacuum = INCREMENTAL')
  db.pragma('journal_mode = WAL')
  setDurability(db, options.durability)
  db.pragma('wal_autocheckpoint = 1000')
  db.pragma(`journal_size_limit = ${16 * MiB}`)
  db.pragma('cache_size = -8192')
  db.pragma('temp_store = MEMORY')
  db.pragma('foreign_keys = OFF')
  setMaxBytes(db, options.maxBytes)
  return db
}

/** Sets the durability of the commits that follow. Not inside a transaction. */
export function setDurability(db: Database.Database, durability: Durability): void {
  // FULL fsyncs the WAL at every commit, NORMAL only at checkpoints.
  db.pragma(`synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'}`)
}

export function setMaxBytes(db: Database.Database, maxBytes: number): void {
  db.pragma(`max_page_count = ${Math.floor(databaseBytes(maxBytes) / PAGE_BYTES)}`)
}

/** The share of `maxBytes` that the database file may take; the WAL takes the rest. */
export function databaseBytes(maxBytes: number): number {
  return maxBytes - Math.min(64 * MiB, Math.max(16 * MiB, maxBytes / 4))
}

/** Opens a connection that only reads; it never waits for the writer. */
export function openReadable(directory: string): Database.Database {
  const db = new Database(databaseFile(directory), { readonly: true, timeout: 250 })
  db.pragma('cache_size = -2048')
  return db
}

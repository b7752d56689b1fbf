import type Database from 'better-sqlite3'
import { FakeClock } from '../../daemon/core/clock.ts'
import { openReadable, openWritable } from '../../daemon/store/connection.ts'
import type { Batch, Block, Op } from '../../daemon/store/log/batch.ts'
import { BlockBuilder, BlockPool } from '../../daemon/store/log/block-builder.ts'
import { LogReader, type OnDamage } from '../../daemon/store/log/log-reader.ts'
import { LogWriter } from '../../daemon/store/log/log-writer.ts'
import type { RecordInput } from '../../daemon/store/log/record.ts'
import type { StoreLimits } from '../../daemon/store/log/retention.ts'
import { markClean, openStore, type OpenedStore, type OpenStoreOptions } from '../../daemon/store/open-store.ts'
import type { CursorRow, Settlement } from '../../daemon/store/tables/cursors.ts'

export const MiB = 1024 ** 2
export const NO_HISTORY: StoreLimits = { maxBytes: 64 * MiB, historyMaxAgeMs: 0, historyMaxBytes: 0 }
export const ALL_HISTORY: StoreLimits = { maxBytes: 64 * MiB, historyMaxAgeMs: Infinity, historyMaxBytes: Infinity }

export function recordInput(payload: string | Uint8Array, extra: Partial<RecordInput> = {}): RecordInput {
  return {
    plan: 1,
    flags: 9,
    runningMs: 5,
    wallMs: 6,
    expiresMs: 0,
    clientId: 'device-1',
    topic: 'device/1/data',
    headers: '',
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    ...extra,
  }
}

export function openOptions(directory: string, extra: Partial<OpenStoreOptions> = {}): OpenStoreOptions {
  return {
    directory,
    gatewayId: 'gw',
    machineId: 'machine',
    bootId: 'boot-1',
    clock: new FakeClock(),
    clockSynced: true,
    durability: 'process',
    maxBytes: 64 * MiB,
    ...extra,
  }
}

/** A block of payloads with consecutive sequence numbers. */
export function blocksOf(stream: number, firstSeq: number, payloads: readonly (string | Uint8Array)[]): Block[] {
  const builder = new BlockBuilder(stream, new BlockPool())
  for (const [index, payload] of payloads.entries()) builder.append(firstSeq + index, recordInput(payload))
  return builder.takeBlocks()
}

export function batchOf(number: number, blocks: Block[], ops: Op[] = [], runningMs = 0): Batch {
  const clock = { runningMs, monotonicMs: runningMs, wallMs: runningMs, synced: true }
  return { number, blocks, ops, clock, durability: 'power' }
}

export function streamOp(id: number, destinations: string[], lane: 'alarm' | 'live' | 'bulk' = 'live'): Op {
  return { type: 'stream', row: { id, lane, destinations } }
}

export function quarantineOp(id: number, payload: Uint8Array = Buffer.from('x')): Op {
  const row = {
    topic: 't',
    clientId: 'c',
    payload,
    headers: '',
    qos: 1,
    code: 'payload-invalid',
    errors: '[]',
    document: 'd',
    message: 'm',
    wallMs: 1,
    synced: true,
  }
  return { type: 'quarantine', row: { id, ...row } }
}

export function cursorRow(destination: string, low: number, extra: Partial<CursorRow> = {}): CursorRow {
  return {
    destination,
    lane: 'live',
    low,
    ranges: [],
    settled: Math.max(0, low - 1),
    settledBytes: 0,
    delivered: 0,
    expired: 0,
    dropped: 0,
    dead: 0,
    ...extra,
  }
}

export function settlement(number: number, cursor: CursorRow, extra: Partial<Settlement> = {}): Settlement {
  return { number, cursor, deadLetters: [], held: [], released: [], ...extra }
}

/** A store with writer and reader in this thread. */
export class OpenLog {
  readonly opened: OpenedStore
  readonly db: Database.Database
  readonly writer: LogWriter
  readonly reader: LogReader
  readonly options: OpenStoreOptions

  constructor(options: OpenStoreOptions, limits: StoreLimits = ALL_HISTORY, onDamage?: OnDamage) {
    this.options = options
    this.opened = openStore(options)
    this.db = openWritable(options.directory, options)
    this.writer = new LogWriter(this.db, this.opened.identity, { ...limits }, options.durability)
    this.reader = new LogReader(openReadable(options.directory), onDamage)
  }

  /** The payloads of all messages that can be read, in the order of the log. */
  payloads(): string[] {
    return this.reader
      .headsAfter(0, 1_000_000)
      .flatMap((head) => this.reader.read(head)?.records.map((record) => record.payload.toString()) ?? [])
  }

  rows(sql: string): unknown[] {
    return this.db.prepare(sql).all()
  }

  /** Ends as a crash does: the end is not marked as clean. */
  abandon(): void {
    this.reader.close()
    this.db.close()
  }

  close(): void {
    this.abandon()
    markClean(this.options.directory, this.options)
  }
}

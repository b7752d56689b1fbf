import type { MessagePort } from 'node:worker_threads'
import type { WritableOptions } from '../connection.ts'
import type { WriterIdentity } from '../tables/blocks.ts'
import type { ContractCacheEntry } from '../tables/contract-cache.ts'
import type { Settlement } from '../tables/cursors.ts'
import type { Batch } from './batch.ts'
import type { StoreLimits } from './retention.ts'

/** Policy for new messages when `maxBytes` is reached and no history is left to delete. */
export type WhenFull = 'reject' | 'drop-oldest' | 'drop-newest'

/** Start values of a log writer. */
export interface WriterData extends WritableOptions {
  directory: string
  identity: WriterIdentity
  limits: StoreLimits
  whenFull: WhenFull
  runningMs: number
  /** One word, which counts commits: each wakes the threads that wait on it. */
  signal: SharedArrayBuffer
}

/** Main → writer. */
export type ToWriter =
  | { type: 'batch'; batch: Batch }
  | { type: 'limits'; limits: StoreLimits; whenFull: WhenFull }
  | ContractCacheEntry
  /** The forwarder talks over this port from here on. */
  | { type: 'forwarder'; port: MessagePort }
  | { type: 'alive'; id: number }
  | { type: 'close' }

/** Writer → main. A number alone is the number of a batch that is durable. */
export type FromWriter =
  | number
  /** The writer is there; `batch` is the last one that it found committed. */
  | { type: 'ready'; batch: number }
  | { type: 'full'; message: string }
  | { type: 'room' }
  | { type: 'dropped'; batch: number }
  | { type: 'fatal'; message: string; corrupt: boolean }
  | { type: 'alive'; id: number }
  | { type: 'closed' }

/** Writer ↔ forwarder. */
export type ToForwarder =
  /** Every settlement of an earlier forwarder is committed or dropped. */
  { type: 'ready' } | { type: 'settled'; number: number } | { type: 'give-up'; bytes: number; required: boolean }
export type FromForwarder = { type: 'settlement'; settlement: Settlement }

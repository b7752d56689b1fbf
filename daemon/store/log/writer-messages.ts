import type { MessagePort } from 'node:worker_threads'
import type { EdgeError } from '../../core/errors.ts'
import type { WritableOptions } from '../connection.ts'
import type { WriterIdentity } from '../tables/blocks.ts'
import type { Settlement } from '../tables/cursors.ts'
import type { Batch } from './batch.ts'
import type { StoreLimits } from './retention.ts'

/** What the writer thread is started with. */
export interface WriterThreadData extends WritableOptions {
  directory: string
  identity: WriterIdentity
  limits: StoreLimits
  whenFull: 'reject' | 'drop-oldest' | 'drop-newest'
  runningMs: number
  /** Counts commits; whoever waits on it is woken by each. Index 0 the commits, 1 the store is full. */
  signal: SharedArrayBuffer
  /** Where settlements come from and requests to give up messages go. */
  forwarder: MessagePort
}

/** Main → writer. */
export type ToWriter =
  | { type: 'batch'; batch: Batch }
  | { type: 'limits'; limits: StoreLimits; whenFull: WriterThreadData['whenFull'] }
  | { type: 'remember'; hash: string; body: string; at: number }
  | { type: 'remember-file'; file: string; hash: string }
  | { type: 'forwarder'; port: MessagePort }
  | { type: 'alive'; id: number }
  | { type: 'close' }

/** Writer → main. A number alone is the number of a batch that is durable. */
export type FromWriter =
  | number
  | { type: 'ready'; batch: number }
  | { type: 'full'; message: string }
  | { type: 'room' }
  | { type: 'dropped'; batch: number }
  | { type: 'fatal'; message: string; corrupt: boolean }
  | { type: 'alive'; id: number }
  | { type: 'closed' }

/** Writer ↔ forwarder. */
export type ToForwarder = { type: 'settled'; number: number } | { type: 'give-up'; bytes: number; required: boolean }
export type FromForwarder = { type: 'settlement'; settlement: Settlement }

export type StoreFailure = { error: EdgeError; corrupt: boolean }

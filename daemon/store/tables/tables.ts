import { blocks } from './blocks.ts'
import { boots } from './boots.ts'
import { callTimes } from './call-ages.ts'
import { callStates } from './call-states.ts'
import { calls } from './calls.ts'
import { contractCache } from './contract-cache.ts'
import { copies } from './copies.ts'
import { cursors } from './cursors.ts'
import { deadLetters } from './dead-letters.ts'
import { documents } from './documents.ts'
import { epochs } from './epochs.ts'
import { held } from './held.ts'
import { idempotency } from './idempotency.ts'
import { incoming } from './incoming.ts'
import { plans } from './plans.ts'
import { quarantine } from './quarantine.ts'
import { retained } from './retained.ts'
import { state } from './state.ts'
import { statistics } from './statistics.ts'
import { streams } from './streams.ts'
import { subscriptions } from './subscriptions.ts'
import type { Table } from './table.ts'

/**
 * Every table. Schema creation, migration and salvage go through this list, in this order. The order must not change: root pages
 * follow it, and salvage puts the schema of a new database in the place of a damaged one.
 */
export const TABLES: readonly Table[] = [
  state,
  epochs,
  boots,
  plans,
  streams,
  blocks,
  copies,
  cursors,
  held,
  deadLetters,
  quarantine,
  incoming,
  retained,
  contractCache,
  documents,
  calls,
  callStates,
  subscriptions,
  idempotency,
  statistics,
  callTimes,
]

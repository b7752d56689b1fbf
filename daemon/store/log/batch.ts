import type { Lane } from '../../core/message.ts'
import type { RegistryOp } from '../tables/registry-rows.ts'

/** What is acknowledged survives: a power cut, because it was fsynced, or the end of the process only. */
export type Durability = 'power' | 'process'

/** Records of one stream, as they go into the log together. The writer reads the shared bytes, it does not copy them. */
export interface Block {
  stream: number
  buffer: SharedArrayBuffer
  length: number
  count: number
  firstSeq: number
  lastSeq: number
}

/** Messages with the same lane and the same destinations make a stream: they become deletable together. */
export interface StreamRow {
  id: number
  lane: Lane
  destinations: string[]
}

/** A plan as it is stored: the text is the pipeline's own. */
export interface PlanRow {
  id: number
  body: string
}

export interface QuarantineInput {
  /** Given by the main thread, always going up. */
  id: number
  topic: string
  clientId: string
  payload: Uint8Array
  headers: string
  qos: number
  code: string
  /** JSON of the violations. */
  errors: string
  document: string
  message: string
  wallMs: number
}

export interface RetainedRow {
  topic: string
  payload: Uint8Array
  qos: number
}

/** Whatever else must become durable in the commit of a batch, in this order, before its blocks. */
export type Op =
  | { type: 'plan'; row: PlanRow }
  | { type: 'stream'; row: StreamRow }
  /** What is in the log gets a destination that it did not have when it was stored: rows that take the place of theirs. */
  | { type: 'adopt'; plans: PlanRow[]; streams: StreamRow[] }
  | { type: 'quarantine'; row: QuarantineInput }
  /** It was published or sent again, or is not wanted any more. */
  | { type: 'quarantine-delete'; id: number }
  | { type: 'dead-letter-delete'; id: number }
  | { type: 'incoming'; clientId: string; packetId: number }
  | { type: 'incoming-delete'; clientId: string; packetId: number }
  | { type: 'incoming-clear'; clientId: string }
  | { type: 'retain'; row: RetainedRow }
  | { type: 'retain-delete'; topic: string }
  | { type: 'clock-offset'; wallMinusRunningMs: number }
  | RegistryOp

/** The clocks at the moment a batch was closed; the last one is where running time goes on after a restart. */
export interface ClockReading {
  runningMs: number
  monotonicMs: number
  wallMs: number
  synced: boolean
}

/** One transaction. Numbers go up by one; the number is committed with it, so that it is never applied twice. */
export interface Batch {
  number: number
  blocks: Block[]
  ops: Op[]
  clock: ClockReading
  /** What it has to survive: `power` where anything in it has to. */
  durability: Durability
}

/** A destination's own counts on one lane; all of them only go up, so that a report may be repeated. */
export interface CursorCounts {
  /** Messages that need no more work, for whatever reason; `settledBytes` are the bytes of their records. */
  settled: number
  settledBytes: number
  delivered: number
  expired: number
  dropped: number
  dead: number
}

export interface CursorRow extends CursorCounts {
  destination: string
  lane: Lane
  low: number
  ranges: [number, number][]
}

/** What a destination has done since its last report: absolute, so that the writer may see it twice. */
export interface Settlement {
  number: number
  cursor: CursorRow
  deadLetters: DeadLetterInput[]
  held: HeldInput[]
  /** Sequences that leave the held table. */
  released: number[]
  /** What was settled without being delivered, as far as dead letters do not tell. */
  lost?: LostRange[]
}

/** Messages of one destination and lane, both ends included, that it will not get. */
export interface LostRange {
  from: number
  to: number
  fate: 'expired' | 'dropped'
}

export interface DeadLetterInput {
  seq: number
  messageId: string
  topic: string
  address: string
  clientId: string
  code: string
  answer: string
  headers: string
  payload: Uint8Array
  wallMs: number
}

/** A message whose route is missing or forbidden: kept aside so that the rest of the destination goes on. */
export interface HeldInput {
  seq: number
  route: string
  epoch: number
  boot: number
  sinceRunningMs: number
  /** The encoded record, checksum included. */
  record: Uint8Array
}

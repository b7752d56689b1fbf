import { parseJson } from '../../core/json.ts'
import { TallyCounts } from './tally-counts.ts'
import { SCOPES, type Scope, type Subject } from './tally.ts'

/** Seconds that one stored row stands for. */
export type StoredStep = 60 | 3600

/** The counts of one subject over one step, as they are stored. */
export interface StatisticsRow {
  step: StoredStep
  /** Wall time at which the step begins, in seconds since the epoch. */
  bucket: number
  scope: Scope
  key: string
  /** JSON. */
  body: string
}

/** Where rows are kept. One row for each (step, bucket, scope, key). */
export interface StatisticsStore {
  /** Rows are whole: each replaces the one of its step, bucket, scope and key. Need not be written yet on return. */
  save(rows: StatisticsRow[]): void
  /** Forgets the rows of a step whose bucket is before this one. */
  trim(step: StoredStep, before: number): void
  /** The same for those of connections alone. */
  trimConnections(step: StoredStep, before: number): void
  /** Rows with `from` ≤ bucket < `to`, in no order. */
  load(step: StoredStep, from: number, to: number, scope?: Scope, key?: string): StatisticsRow[]
}

/** A subject, and what was counted for it. */
export interface Counted {
  subject: Subject
  counts: TallyCounts
}

export function encodeBody({ subject, counts }: Counted): string {
  const { scope, name, document } = subject
  return JSON.stringify(scope === 'channel' ? { ...counts.toJson(), name, document } : counts.toJson())
}

/** Undefined for a row that is none: the store may be damaged. */
export function decodeRow({ scope, key, body }: StatisticsRow): Counted | undefined {
  const json = parseJson(body)
  if (typeof json !== 'object' || json === null || !SCOPES.includes(scope)) return undefined
  const name = 'name' in json && typeof json.name === 'string' ? json.name : key
  const document = 'document' in json && typeof json.document === 'string' ? json.document : ''
  return { subject: { scope, key, name, document }, counts: TallyCounts.fromJson(json) }
}

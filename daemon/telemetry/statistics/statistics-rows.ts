import { parseJson } from '../../core/json.ts'
import { TallyCounts } from './tally-counts.ts'
import { SCOPES, type Scope, type Subject } from './tally.ts'

/** Seconds that one stored row covers. */
export type StoredStep = 60 | 3600

/** A row of the table `statistics`: the counts of one subject over one step. */
export interface StatisticsRow {
  step: StoredStep
  /** Wall time of the step's start, in seconds since the epoch. */
  bucket: number
  scope: Scope
  key: string
  /** JSON. */
  body: string
}

/** Storage of rows, one for each (step, bucket, scope, key). */
export interface StatisticsStore {
  /** Each row replaces the one with its step, bucket, scope and key. Returns before they are written. */
  save(rows: StatisticsRow[]): void
  /** Deletes the rows of a step whose bucket is before this one. */
  trim(step: StoredStep, before: number): void
  /** As `trim`, but only rows of connections. */
  trimConnections(step: StoredStep, before: number): void
  /** Rows with `from` ≤ bucket < `to`, in any order. */
  load(step: StoredStep, from: number, to: number, scope?: Scope, key?: string): StatisticsRow[]
}

/** A subject and its counts. */
export interface Counted {
  subject: Subject
  counts: TallyCounts
}

export function encodeBody({ subject, counts }: Counted): string {
  const { scope, name, document } = subject
  return JSON.stringify(scope === 'channel' ? { ...counts.toJson(), name, document } : counts.toJson())
}

/** Returns undefined for a damaged row. */
export function decodeRow({ scope, key, body }: StatisticsRow): Counted | undefined {
  const json = parseJson(body)
  if (typeof json !== 'object' || json === null || !SCOPES.includes(scope)) return undefined
  const name = 'name' in json && typeof json.name === 'string' ? json.name : key
  const document = 'document' in json && typeof json.document === 'string' ? json.document : ''
  return { subject: { scope, key, name, document }, counts: TallyCounts.fromJson(json) }
}

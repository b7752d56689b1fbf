import type { Clock } from '../../core/clock.ts'
import { StatisticsBuckets } from './statistics-buckets.ts'
import { decodeRow, encodeBody, type Counted, type StatisticsStore, type StoredStep } from './statistics-rows.ts'
import type { TallyCounts } from './tally-counts.ts'
import type { Subject } from './tally.ts'

export type Step = 10 | StoredStep

/** Wall time, in seconds: `from` ≤ bucket < `to`. */
export interface Span {
  from: number
  to: number
}

/** The last two minutes, and the running slot. */
const KEEP_SLOTS = 13
/** Long enough for the saved rows of a dropped bucket to be readable. */
const KEEP_STORED = 5
const KEEP_SECONDS: Readonly<Record<StoredStep, number>> = { 60: 25 * 3_600, 3600: 7 * 86_400 + 3_600 }
const MAX_SLOT_KEYS = 2_000
const MAX_ROW_CHANNELS = 200
/** Upstreams, sensors and the busiest clients. */
const MAX_ROW_CONNECTIONS = 1_100
/** Connections are read by the minute for two hours only. */
const KEEP_CONNECTION_MINUTES_SECONDS = 3 * 3_600
/** Buckets that are loaded in one query: each holds a thousand rows, and the query blocks the thread that serves devices. */
const LOAD_AT_ONCE = 1

/** Counts by time: steps of 10 seconds for two minutes, of a minute for a day, of an hour for a week. */
export class StatisticsHistory {
  /** Wall time, in seconds, of the first slot of 10 seconds. */
  readonly sinceSeconds: number
  private readonly store: StatisticsStore
  private readonly buckets: Readonly<Record<Step, StatisticsBuckets>>

  constructor(clock: Clock, store: StatisticsStore) {
    this.store = store
    this.sinceSeconds = clock.wallMs() / 1_000
    const stored = (step: StoredStep): StatisticsBuckets =>
      new StatisticsBuckets({
        step,
        keep: KEEP_STORED,
        maxChannels: MAX_ROW_CHANNELS,
        maxConnections: MAX_ROW_CONNECTIONS,
        load: (bucket) => store.load(step, bucket, bucket + step),
      })
    this.buckets = {
      10: new StatisticsBuckets({
        step: 10,
        keep: KEEP_SLOTS,
        maxChannels: MAX_SLOT_KEYS,
        maxConnections: MAX_SLOT_KEYS,
        load: () => [],
      }),
      60: stored(60),
      3600: stored(3600),
    }
  }

  /** Adds counts to the buckets that contain `wallMs`. */
  add(wallMs: number, subject: Subject, counts: TallyCounts): void {
    for (const buckets of Object.values(this.buckets)) buckets.add(buckets.bucketOf(wallMs), subject, counts)
    this.buckets[10].evict(true)
  }

  /** Saves changed counts, and deletes rows that are too old. */
  save(wallMs: number): void {
    const rows = ([60, 3600] as const).flatMap((step) =>
      this.buckets[step].takeDirty().map(({ bucket, counted }) => {
        const { scope, key } = counted.subject
        return { step, bucket, scope, key, body: encodeBody(counted) }
      }),
    )
    if (rows.length > 0) this.store.save(rows)
    for (const step of [60, 3600] as const)
      this.store.trim(step, this.buckets[step].bucketOf(wallMs) - KEEP_SECONDS[step])
    this.store.trimConnections(60, this.buckets[60].bucketOf(wallMs) - KEEP_CONNECTION_MINUTES_SECONDS)
  }

  bucketOf(step: Step, wallMs: number): number {
    return this.buckets[step].bucketOf(wallMs)
  }

  /** The counts of every bucket in the span, of one subject or of all. */
  *read(
    step: Step,
    { from, to }: Span,
    only?: Pick<Subject, 'scope' | 'key'>,
  ): IterableIterator<Counted & { bucket: number }> {
    const buckets = this.buckets[step]
    const inMemory = new Map<number, Counted[]>()
    // A snapshot: a bucket that is saved and dropped from memory during the reading must not be counted twice.
    for (let bucket = from; bucket < to; bucket += step)
      if (buckets.has(bucket)) inMemory.set(bucket, [...buckets.of(bucket)])
    for (const [bucket, all] of inMemory)
      for (const counted of all) if (matches(counted.subject, only)) yield { bucket, ...counted }
    if (step === 10) return
    for (let start = from; start < to; start += LOAD_AT_ONCE * step) {
      const end = Math.min(to, start + LOAD_AT_ONCE * step)
      for (const row of this.store.load(step, start, end, only?.scope, only?.key)) {
        // A bucket in memory contains its saved rows.
        const counted = inMemory.has(row.bucket) ? undefined : decodeRow(row)
        if (counted !== undefined) yield { bucket: row.bucket, ...counted }
      }
    }
  }
}

function matches(subject: Subject, only: Pick<Subject, 'scope' | 'key'> | undefined): boolean {
  return only === undefined || (subject.scope === only.scope && subject.key === only.key)
}

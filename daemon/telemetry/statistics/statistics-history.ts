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

/** The last 2 minutes, and the one that runs. */
const KEEP_SLOTS = 13
/** Long enough for whatever was saved to be readable. */
const KEEP_STORED = 5
const KEEP_SECONDS: Readonly<Record<StoredStep, number>> = { 60: 25 * 3_600, 3600: 7 * 86_400 + 3_600 }
const MAX_SLOT_KEYS = 2_000
const MAX_ROW_CHANNELS = 200
/** Upstreams, sensors, and the busiest clients. */
const MAX_ROW_CONNECTIONS = 1_100
/** Connections are read by the minute for two hours only. */
const KEEP_CONNECTION_MINUTES_SECONDS = 3 * 3_600
/** Buckets that are loaded at once: each holds a thousand rows, and is read on the thread that serves devices. */
const LOAD_AT_ONCE = 1

/** What was counted, by time: 10 seconds for minutes, minutes for a day, hours for a week. */
export class StatisticsHistory {
  /** Wall time, in seconds, since when there are slots of 10 seconds. */
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

  /** Counts of the time around `wallMs`. */
  add(wallMs: number, subject: Subject, counts: TallyCounts): void {
    for (const buckets of Object.values(this.buckets)) buckets.add(buckets.bucketOf(wallMs), subject, counts)
    this.buckets[10].evict(true)
  }

  /** Hands everything new to the store, and what has become too old. */
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

  /** Every counted subject of every bucket of the span; of one channel, or of all that there are. */
  *read(
    step: Step,
    { from, to }: Span,
    only?: Pick<Subject, 'scope' | 'key'>,
  ): IterableIterator<Counted & { bucket: number }> {
    const buckets = this.buckets[step]
    const inMemory = new Map<number, Counted[]>()
    // All at once: what is written and dropped from memory while somebody reads must not come twice.
    for (let bucket = from; bucket < to; bucket += step)
      if (buckets.has(bucket)) inMemory.set(bucket, [...buckets.of(bucket)])
    for (const [bucket, all] of inMemory)
      for (const counted of all) if (isMeant(counted.subject, only)) yield { bucket, ...counted }
    if (step === 10) return
    for (let start = from; start < to; start += LOAD_AT_ONCE * step) {
      const end = Math.min(to, start + LOAD_AT_ONCE * step)
      for (const row of this.store.load(step, start, end, only?.scope, only?.key)) {
        // What is in memory holds what was saved as well.
        const counted = inMemory.has(row.bucket) ? undefined : decodeRow(row)
        if (counted !== undefined) yield { bucket: row.bucket, ...counted }
      }
    }
  }
}

function isMeant(subject: Subject, only: Pick<Subject, 'scope' | 'key'> | undefined): boolean {
  return only === undefined || (subject.scope === only.scope && subject.key === only.key)
}

import { OTHER } from '../counters.ts'
import { decodeRow, type Counted, type StatisticsRow } from './statistics-rows.ts'
import { TallyCounts } from './tally-counts.ts'
import type { Subject } from './tally.ts'

export interface BucketsOptions {
  /** Seconds. */
  step: number
  /** Buckets in memory; those that are not saved yet stay beyond it. */
  keep: number
  /** Channels, and connections, with counts of their own in one bucket; all beyond share one. */
  maxChannels: number
  maxConnections: number
  /** The saved rows of a bucket, to which later counts are added. */
  load: (bucket: number) => StatisticsRow[]
}

interface Bucket {
  counted: Map<string, Counted>
  /** Channels, and connections, with counts of their own. */
  channels: number
  connections: number
  /** Changed since they were last taken to be saved. */
  dirty: Set<Counted>
}

/**
 * Counts by buckets of wall time. A bucket that is opened starts with its saved rows, which may be from before a restart or a step of
 * the clock, so that saving it again loses nothing.
 */
export class StatisticsBuckets {
  readonly step: number
  private readonly options: BucketsOptions
  /** In the order of opening, not of time: the clock may step. */
  private readonly buckets = new Map<number, Bucket>()

  constructor(options: BucketsOptions) {
    this.step = options.step
    this.options = options
  }

  /** Start, in seconds, of the bucket that contains this wall time. */
  bucketOf(wallMs: number): number {
    return Math.floor(wallMs / 1_000 / this.step) * this.step
  }

  add(bucketStart: number, subject: Subject, counts: TallyCounts): void {
    const bucket = this.open(bucketStart)
    bucket.dirty.add(addTo(bucket, subject, counts, this.options))
  }

  has(bucketStart: number): boolean {
    return this.buckets.has(bucketStart)
  }

  /** The counts of a bucket in memory. */
  *of(bucketStart: number): IterableIterator<Counted> {
    yield* this.buckets.get(bucketStart)?.counted.values() ?? []
  }

  /** Returns the counts that have changed since the last call. */
  takeDirty(): { bucket: number; counted: Counted }[] {
    const taken: { bucket: number; counted: Counted }[] = []
    for (const [start, bucket] of this.buckets) {
      for (const counted of bucket.dirty) taken.push({ bucket: start, counted })
      bucket.dirty.clear()
    }
    this.evict(false)
    return taken
  }

  /** Drops the oldest buckets beyond the bound; `unsaved`: even those that were not taken to be saved. */
  evict(unsaved: boolean): void {
    for (const [start, { dirty }] of this.buckets) {
      if (this.buckets.size <= this.options.keep) return
      if (unsaved || dirty.size === 0) this.buckets.delete(start)
    }
  }

  private open(start: number): Bucket {
    const known = this.buckets.get(start)
    if (known !== undefined) return known
    const bucket: Bucket = { counted: new Map(), channels: 0, connections: 0, dirty: new Set() }
    for (const row of this.options.load(start)) {
      const counted = decodeRow(row)
      if (counted !== undefined) addTo(bucket, counted.subject, counted.counts, this.options)
    }
    this.buckets.set(start, bucket)
    return bucket
  }
}

type Limits = Pick<BucketsOptions, 'maxChannels' | 'maxConnections'>

function addTo(bucket: Bucket, subject: Subject, counts: TallyCounts, limits: Limits): Counted {
  const { scope } = subject
  let counted = bucket.counted.get(`${scope} ${subject.key}`)
  if (counted === undefined) {
    const full =
      scope === 'channel' ? bucket.channels >= limits.maxChannels : bucket.connections >= limits.maxConnections
    if (full && scope !== 'total' && subject.key !== OTHER)
      return addTo(bucket, { scope, key: OTHER, name: OTHER, document: '' }, counts, limits)
    counted = { subject, counts: new TallyCounts() }
    bucket.counted.set(`${scope} ${subject.key}`, counted)
    if (subject.key !== OTHER && scope !== 'total') bucket[scope === 'channel' ? 'channels' : 'connections']++
  }
  counted.counts.add(counts)
  return counted
}

import type { Clock } from '../../core/clock.ts'
import { atOnce } from '../../core/turn.ts'
import type { LatencyHistogram } from './latency-histogram.ts'
import type { Step } from './statistics-history.ts'
import type { Statistics } from './statistics.ts'
import { TallyCounts } from './tally-counts.ts'
import type { Subject } from './tally.ts'

/** Milliseconds; null where nothing was measured. */
export interface Percentiles {
  p50: number | null
  p95: number | null
  p99: number | null
}

/** Counts and rates over a window. */
export interface Figures {
  received: number
  valid: number
  rejected: number
  rejectedByReason: Record<string, number>
  forwarded: number
  forwardedByDestination: Record<string, number>
  deadLettered: number
  deadLetteredByDestination: Record<string, number>
  bytes: number
  /** Received messages a second over the window. */
  rate: number
  /** Rejected of received, 0 to 1. */
  errorRate: number
  latency: { durable: Percentiles; confirmed: Percentiles }
}

export interface SeriesPoint {
  /** Start, ISO 8601. */
  at: string
  received: number
  valid: number
  rejected: number
  forwarded: number
  deadLettered: number
  bytes: number
  durableP99: number | null
}

export interface StatisticsReport {
  window: string
  from: string
  to: string
  totals: Figures
  channels: ({ channel_id: string; channel_name: string; document: string } & Figures)[]
  connections: ({ type: 'client' | 'sensor' | 'upstream'; name: string } & Figures)[]
  series: {
    /** Seconds of one point. */
    step: number
    points: SeriesPoint[]
  }
}

/** Longest window that is made of slots of ten seconds. */
const SLOTS_UP_TO_MS = 120_000
/** Longest window that is made of minutes, longer ones of hours: a day of minutes of every channel takes too long to read. */
const MINUTES_UP_TO_MS = 2 * 3_600_000
const MINUTE_SERIES_UP_TO_MS = 86_400_000
const MAX_POINTS = 200

/** A window of one minute to seven days, of one channel or of all. */
export interface ReportQuery {
  windowMs: number
  channelId?: string
}

/** The report of a window that ends now, made at once: for short windows. */
export function statisticsReport(statistics: Statistics, clock: Clock, query: ReportQuery): StatisticsReport {
  return atOnce(reportSteps(statistics, clock, query))
}

/** statisticsReport in steps of one row each, so that the caller can do other work in between. */
export function* reportSteps(
  statistics: Statistics,
  clock: Clock,
  { windowMs, channelId }: ReportQuery,
): Generator<void, StatisticsReport> {
  yield* statistics.roll()
  const toMs = clock.wallMs()
  const only = channelId === undefined ? undefined : ({ scope: 'channel', key: channelId } as const)
  const sums = new Map<string, { subject: Subject; counts: TallyCounts }>()
  const slots = hasSlots(statistics, toMs, windowMs)
  const step = slots ? 10 : windowMs <= MINUTES_UP_TO_MS ? 60 : 3600
  for (const { subject, counts } of statistics.history.read(step, spanOf(step, toMs, windowMs), only)) {
    const name = `${subject.scope} ${subject.key}`
    let sum = sums.get(name)
    if (sum === undefined) sums.set(name, (sum = { subject, counts: new TallyCounts() }))
    sum.counts.add(counts)
    yield
  }
  const all = [...sums.values()].map(({ subject, counts }) => ({ subject, figures: figuresOf(counts, windowMs) }))
  const total = all.find(({ subject }) => subject.scope === (only === undefined ? 'total' : 'channel'))
  const byTraffic = (a: Figures, b: Figures): number => b.received + b.forwarded - a.received - a.forwarded
  return {
    window: windowText(windowMs),
    from: new Date(toMs - windowMs).toISOString(),
    to: new Date(toMs).toISOString(),
    totals: total?.figures ?? figuresOf(new TallyCounts(), windowMs),
    channels: all
      .filter(({ subject }) => subject.scope === 'channel')
      .map(({ subject: { key, name, document }, figures }) => ({
        channel_id: key,
        channel_name: name,
        document,
        ...figures,
      }))
      .sort(byTraffic),
    connections: (['upstream', 'sensor', 'client'] as const)
      .flatMap((type) =>
        all
          .filter(({ subject }) => subject.scope === type)
          .map(({ subject, figures }) => ({ type, name: subject.key, ...figures })),
      )
      .sort(byTraffic),
    series: yield* seriesOf(statistics, toMs, windowMs, only ?? { scope: 'total', key: '' }),
  }
}

/** Slots are not saved: a window that begins before this process did is made of saved minutes. */
function hasSlots({ history }: Statistics, toMs: number, windowMs: number): boolean {
  return windowMs <= SLOTS_UP_TO_MS && history.sinceSeconds <= (toMs - windowMs) / 1_000
}

function* seriesOf(
  statistics: Statistics,
  toMs: number,
  windowMs: number,
  subject: Pick<Subject, 'scope' | 'key'>,
): Generator<void, StatisticsReport['series']> {
  const base = hasSlots(statistics, toMs, windowMs) ? 10 : windowMs <= MINUTE_SERIES_UP_TO_MS ? 60 : 3600
  const step = Math.max(1, Math.ceil(windowMs / 1_000 / base / MAX_POINTS)) * base
  const sums = new Map<number, TallyCounts>()
  for (const { bucket, counts } of statistics.history.read(base, spanOf(base, toMs, windowMs), subject)) {
    const at = Math.floor(bucket / step) * step
    const sum = sums.get(at) ?? new TallyCounts()
    sum.add(counts)
    sums.set(at, sum)
    yield
  }
  const points = [...sums].sort(([a], [b]) => a - b).map(([at, counts]) => pointOf(at, counts))
  return { step, points }
}

/** Buckets of a window, including the running one; where they are few, also the one in which the window begins. */
function spanOf(step: Step, toMs: number, windowMs: number): { from: number; to: number } {
  const bucketOf = (ms: number): number => Math.floor(ms / 1_000 / step) * step
  const isCoarse = step === 3600 || (step === 60 && windowMs <= SLOTS_UP_TO_MS)
  return { from: bucketOf(toMs - windowMs) + (isCoarse ? 0 : step), to: bucketOf(toMs) + step }
}

function figuresOf(counts: TallyCounts, windowMs: number): Figures {
  const { received, valid, rejected, bytes, reasons, forwarded, deadLettered, durable, confirmed } = counts
  return {
    received,
    valid,
    rejected,
    rejectedByReason: Object.fromEntries(reasons?.entries() ?? []),
    forwarded: forwarded?.total ?? 0,
    forwardedByDestination: Object.fromEntries(forwarded?.entries() ?? []),
    deadLettered: deadLettered?.total ?? 0,
    deadLetteredByDestination: Object.fromEntries(deadLettered?.entries() ?? []),
    bytes,
    rate: round(received / (windowMs / 1_000)),
    errorRate: received === 0 ? 0 : round(rejected / received),
    latency: { durable: percentilesOf(durable), confirmed: percentilesOf(confirmed) },
  }
}

function pointOf(at: number, counts: TallyCounts): SeriesPoint {
  const { received, valid, rejected, bytes, forwarded, deadLettered, durable } = counts
  return {
    at: new Date(at * 1_000).toISOString(),
    received,
    valid,
    rejected,
    forwarded: forwarded?.total ?? 0,
    deadLettered: deadLettered?.total ?? 0,
    bytes,
    durableP99: percentilesOf(durable).p99,
  }
}

function percentilesOf(histogram: LatencyHistogram | undefined): Percentiles {
  const at = (part: number): number | null => {
    const ms = histogram?.percentile(part) ?? null
    return ms === null ? null : round(ms)
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}

function windowText(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  if (minutes % 1_440 === 0) return `${minutes / 1_440}d`
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`
}

import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { FakeClock } from '../../../daemon/core/clock.ts'
import { atOnce } from '../../../daemon/core/turn.ts'
import { latencyBucket, LatencyHistogram } from '../../../daemon/telemetry/statistics/latency-histogram.ts'
import { PacedReports } from '../../../daemon/telemetry/statistics/paced-reports.ts'
import type { StatisticsRow, StatisticsStore } from '../../../daemon/telemetry/statistics/statistics-rows.ts'
import { statisticsReport, type StatisticsReport } from '../../../daemon/telemetry/statistics/statistics-view.ts'
import { Statistics } from '../../../daemon/telemetry/statistics/statistics.ts'

/** Rows as the database keeps them: one for each step, bucket, scope and key. */
class Rows implements StatisticsStore {
  readonly rows = new Map<string, StatisticsRow>()

  save(rows: StatisticsRow[]): void {
    for (const row of rows) this.rows.set([row.step, row.bucket, row.scope, row.key].join(' '), row)
  }

  trim(step: number, before: number): void {
    for (const [key, row] of this.rows) if (row.step === step && row.bucket < before) this.rows.delete(key)
  }

  trimConnections(step: number, before: number): void {
    for (const [key, row] of this.rows)
      if (row.step === step && row.bucket < before && !['channel', 'total'].includes(row.scope)) this.rows.delete(key)
  }

  load(step: number, from: number, to: number, scope?: string, key?: string): StatisticsRow[] {
    return [...this.rows.values()].filter(
      (row) =>
        row.step === step &&
        row.bucket >= from &&
        row.bucket < to &&
        (scope ?? row.scope) === row.scope &&
        (key ?? row.key) === row.key,
    )
  }
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

let clock: FakeClock
let rows: Rows
let statistics: Statistics

beforeEach(() => {
  clock = new FakeClock()
  rows = new Rows()
  statistics = new Statistics({ clock, store: rows })
})

function accept(count: number, ms = 1): void {
  const channel = statistics.channel('channel', 'device/{id}/data', 'd@1')
  for (let index = 0; index < count; index++) {
    statistics.totals.accepted(100, latencyBucket(ms))
    channel.accepted(100, latencyBucket(ms))
    statistics.client('device-1').accepted(100, latencyBucket(ms))
  }
}

function report(windowMs: number, channelId?: string): StatisticsReport {
  return statisticsReport(statistics, clock, { windowMs, ...(channelId === undefined ? {} : { channelId }) })
}

function pass(ms: number): void {
  for (let left = ms; left > 0; left -= 10_000) {
    clock.advance(Math.min(10_000, left))
    atOnce(statistics.tick())
  }
}

/** The process ends and starts again on the same rows. */
function restart(): void {
  statistics.stop()
  statistics = new Statistics({ clock, store: rows })
}

describe('a report', () => {
  test('counts accepted and refused messages, in all, per channel and per connection', () => {
    accept(9)
    statistics.totals.refused('payload-invalid', 50)
    statistics.channel('channel', 'device/{id}/data', 'd@1').refused('payload-invalid', 50)
    statistics.forwarded(['channel'], 'bus', 8, histogram([5, 5]))
    statistics.deadLettered(['channel'], 'bus', 1)
    const { totals, channels, connections } = report(HOUR)
    const figures = {
      received: 10,
      valid: 9,
      rejected: 1,
      rejectedByReason: { 'payload-invalid': 1 },
      forwarded: 8,
      forwardedByDestination: { bus: 8 },
      deadLettered: 1,
      bytes: 950,
      errorRate: 0.1,
    }
    expect(totals).toMatchObject(figures)
    expect(channels).toMatchObject([
      { channel_id: 'channel', channel_name: 'device/{id}/data', document: 'd@1', ...figures },
    ])
    expect(connections).toMatchObject([
      { type: 'client', name: 'device-1', received: 9 },
      { type: 'upstream', name: 'bus', forwarded: 8 },
    ])
    expect(totals.latency.confirmed.p50).toBeCloseTo(5, 0)
  })

  test('sees all that was counted while the rest is being laid down, and counts nothing twice', () => {
    for (let index = 0; index < 1_000; index++)
      statistics.channel(`channel-${index}`, 'device/{id}/data', 'd@1').accepted(10, latencyBucket(1))
    const steps = statistics.roll()
    for (let taken = 0; taken < 8; taken++) expect(steps.next().done).toBe(false)
    statistics.channel('channel-7', 'device/{id}/data', 'd@1').accepted(10, latencyBucket(1))
    const received = (): number => report(HOUR).channels.reduce((sum, channel) => sum + channel.received, 0)
    expect(received()).toBe(1_001)
    expect(steps.next().done).toBe(true)
    expect(received()).toBe(1_001)
  })

  test.each([MINUTE, 2 * MINUTE])('of %i ms is there right after a restart, in whole minutes', (windowMs) => {
    accept(5)
    pass(30_000)
    restart()
    pass(20_000)
    accept(2)
    expect(report(windowMs).totals.received).toBe(7)
    expect(report(windowMs).series.points.reduce((sum, point) => sum + point.received, 0)).toBe(7)
    pass(3 * MINUTE)
    accept(1)
    expect(report(windowMs).totals.received).toBe(1)
    expect(report(windowMs).series.step).toBe(10)
  })

  test('has a thousand clients of their own, also of the past', () => {
    for (let client = 0; client < 1_000; client++) statistics.client(`device-${client}`).accepted(1, 1)
    restart()
    expect(report(7 * DAY).connections).toHaveLength(1_000)
    expect(report(HOUR).connections).toHaveLength(1_000)
  })

  test('in slices is the same', async () => {
    accept(7)
    restart()
    accept(3)
    for (const windowMs of [MINUTE, HOUR, 7 * DAY])
      expect(await new PacedReports(statistics, clock).report({ windowMs })).toEqual(report(windowMs))
  })

  test('of one channel has its figures as totals', () => {
    accept(2)
    statistics.totals.accepted(1, latencyBucket(1))
    expect(report(HOUR, 'channel').totals.received).toBe(2)
    expect(report(HOUR, 'channel').connections).toEqual([])
  })

  test.each([
    [MINUTE, 10],
    [HOUR, 60],
    [DAY, 480],
    [7 * DAY, 3600],
  ])('of %i ms has a series in steps of %i s', (windowMs, step) => {
    pass(2 * MINUTE)
    accept(3)
    const { series } = report(windowMs)
    expect(series.step).toBe(step)
    expect(series.points.reduce((sum, point) => sum + point.received, 0)).toBe(3)
  })

  test('leaves out counts that are older than its window', () => {
    accept(5)
    pass(5 * MINUTE)
    accept(1)
    expect(report(MINUTE).totals.received).toBe(1)
    expect(report(10 * MINUTE).totals.received).toBe(6)
  })
})

describe('after a restart', () => {
  test('the figures of before are there, and go on within the same minute', () => {
    accept(3)
    restart()
    accept(4)
    restart()
    expect(report(HOUR).totals.received).toBe(7)
    expect(report(DAY).channels).toMatchObject([{ channel_name: 'device/{id}/data', received: 7 }])
  })

  test('minutes are kept for a day, and hours for a week', () => {
    accept(1)
    pass(2 * HOUR)
    accept(1)
    pass(25 * HOUR)
    restart()
    expect(report(7 * DAY).totals.received).toBe(2)
    const oldest = Math.min(...[...rows.rows.values()].filter((row) => row.step === 60).map((row) => row.bucket))
    expect(oldest * 1_000).toBeGreaterThanOrEqual(clock.wallMs() - 25.1 * HOUR)
  })

  test('a row that was damaged counts nothing', () => {
    accept(3)
    statistics.stop()
    for (const row of rows.rows.values()) row.body = '{"received": "many", "durable": [1e9, -1]'
    statistics = new Statistics({ clock, store: rows })
    expect(report(HOUR).totals.received).toBe(0)
  })
})

test('only so many clients are counted one by one; the others share', () => {
  statistics = new Statistics({ clock, store: rows, maxClients: 10 })
  for (let index = 0; index < 1_000; index++) statistics.client(`device-${index}`).accepted(1, latencyBucket(1))
  const clients = report(HOUR).connections.filter((one) => one.type === 'client')
  expect(clients.length).toBeLessThanOrEqual(11)
  expect(clients.reduce((sum, one) => sum + one.received, 0)).toBe(1_000)
})

function histogram(values: readonly number[]): LatencyHistogram {
  const made = new LatencyHistogram()
  for (const value of values) made.add(value)
  return made
}

test('percentiles are within 14 % of the exact ones, through JSON too', () => {
  const latencies = fc.array(fc.double({ min: 0.06, max: 500_000, noNaN: true }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(latencies, fc.constantFrom(0.5, 0.95, 0.99), (values, part) => {
      const exact = [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(part * values.length) - 1)] ?? 0
      const found = LatencyHistogram.fromJson(histogram(values).toJson()).percentile(part) ?? 0
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.14)
    }),
  )
})

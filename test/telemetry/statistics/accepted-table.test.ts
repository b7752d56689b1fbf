import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AcceptedTable } from '../../../daemon/telemetry/statistics/accepted-table.ts'
import { LATENCY_BUCKETS } from '../../../daemon/telemetry/statistics/latency-histogram.ts'
import { TallyCounts } from '../../../daemon/telemetry/statistics/tally-counts.ts'

function taken(table: AcceptedTable, row: number): { received: number; bytes: number; durable: number[] } {
  const counts = new TallyCounts()
  table.moveInto(row, counts)
  expect(counts.valid).toBe(counts.received)
  return { received: counts.received, bytes: counts.bytes, durable: counts.durable?.toJson() ?? [] }
}

test('each row is counted for itself, whenever and however often it is moved out', () => {
  const step = fc.record({
    row: fc.nat({ max: 199 }),
    bytes: fc.nat({ max: 300_000_000 }),
    bucket: fc.nat({ max: LATENCY_BUCKETS - 1 }),
    times: fc.integer({ min: 1, max: 700 }),
    take: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = new AcceptedTable()
      const rows = Array.from({ length: 200 }, () => table.open())
      const model = rows.map(() => ({ received: 0, bytes: 0, buckets: new Map<number, number>() }))
      const check = (index: number): void => {
        const { received, bytes, buckets } = model[index] ?? { received: 0, bytes: 0, buckets: new Map() }
        const durable = [...buckets].sort(([a], [b]) => a - b).flat()
        expect(taken(table, rows[index] ?? -1)).toEqual({ received, bytes, durable })
        model[index] = { received: 0, bytes: 0, buckets: new Map() }
      }
      for (const { row, bytes, bucket, times, take } of steps) {
        const counted = model[row]
        if (counted === undefined) throw new Error('no such row')
        for (let time = 0; time < times; time++) table.add(rows[row] ?? -1, bytes, bucket)
        counted.received += times
        counted.bytes += times * bytes
        counted.buckets.set(bucket, (counted.buckets.get(bucket) ?? 0) + times)
        if (take) check(row)
      }
      for (const index of rows.keys()) check(index)
    }),
    { numRuns: 50 },
  )
})

test('a closed row is opened again with nothing in it', () => {
  const table = new AcceptedTable()
  const first = table.open()
  table.add(first, 10, 3)
  table.close(first)
  expect(table.open()).toBe(first)
  expect(taken(table, first)).toEqual({ received: 0, bytes: 0, durable: [] })
})

test('counts survive when the table grows', () => {
  const table = new AcceptedTable()
  const rows = Array.from({ length: 500 }, (_, index) => {
    const row = table.open()
    table.add(row, index, index % LATENCY_BUCKETS)
    return row
  })
  for (const [index, row] of rows.entries())
    expect(taken(table, row)).toEqual({ received: 1, bytes: index, durable: [index % LATENCY_BUCKETS, 1] })
})

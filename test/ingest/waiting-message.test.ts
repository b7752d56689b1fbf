import { expect, test } from 'vitest'
import { EdgeError } from '../../daemon/core/errors.ts'
import { IngestCounts } from '../../daemon/ingest/ingest-counts.ts'
import { WaitingMessage } from '../../daemon/ingest/waiting-message.ts'
import type { PublishOutcome } from '../../daemon/ports/publication.ts'
import { AcceptedTable } from '../../daemon/telemetry/statistics/accepted-table.ts'
import { Tally } from '../../daemon/telemetry/statistics/tally.ts'

const DAY_MS = 86_400_000

function world() {
  const accepted = new AcceptedTable()
  const tally = (scope: 'total' | 'channel' | 'client') =>
    new Tally({ scope, key: '', name: '', document: '' }, accepted)
  const [totals, channel, client] = [tally('total'), tally('channel'), tally('client')]
  const counts = new IngestCounts()
  const outcomes: PublishOutcome[] = []
  const wait = (runningMs: number): WaitingMessage =>
    new WaitingMessage(
      { counts, statistics: { accepted, totals } },
      // Only the rows of a plan are looked at.
      { row: channel.row, otherRows: [] } as never,
      client,
      100,
      runningMs,
      (outcome) => outcomes.push(outcome),
    )
  return { totals, channel, client, counts, outcomes, wait }
}

test.each([
  ['a gateway that has just begun', 0.25],
  // 2³¹ and 2³² microseconds.
  ['one that runs for 35 minutes', 2_147_480],
  ['one that runs for 71 minutes', 4_294_965],
  ['one that runs for two years', 730 * DAY_MS + 0.123],
])('on %s the time until a message is durable is the one that it took', (_name, receivedMs) => {
  const { totals, channel, client, counts, outcomes, wait } = world()
  wait(receivedMs).stored(null, receivedMs + 8)
  for (const one of [totals, channel, client]) {
    const taken = one.take()
    expect(taken).toMatchObject({ received: 1, valid: 1, bytes: 100 })
    const p50 = taken?.durable?.percentile(0.5) ?? NaN
    // Of the buckets.
    expect(Math.abs(p50 / 8 - 1)).toBeLessThan(0.14)
  }
  expect(counts.stored).toBe(1)
  expect(outcomes).toEqual(['deliver'])
})

test('a message that could not be stored is not counted as received by anybody', () => {
  const { totals, channel, client, counts, outcomes, wait } = world()
  wait(1).stored(new EdgeError('store-full', 'full'), 2)
  expect([totals.take(), channel.take(), client.take()]).toEqual([undefined, undefined, undefined])
  expect(counts).toMatchObject({ stored: 0, unavailable: 1 })
  expect(outcomes).toEqual(['unavailable'])
})

import { statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { blockJournal, unblockJournal } from '../support/blocked-journal.ts'
import { check } from '../support/checker.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { journalArrivals } from '../support/journal-reader.ts'
import { startFleet } from '../support/publisher.ts'

const MIB = 1024 ** 2
const LIMIT_BYTES = 128 * MIB
const CLIENTS = 4
const EACH = 2_500
/** Makes all messages together three times the limit. */
const PADDING = Math.ceil((3 * LIMIT_BYTES) / (CLIENTS * EACH))

test('row 8: three times overload with drop-oldest keeps to the limit, and counts exactly what it dropped', async () => {
  const daemon = await DaemonProcess.create({
    settings: { store: { directory: './data', maxBytes: '128MiB', whenFull: 'drop-oldest' } },
  })
  blockJournal(daemon)
  await daemon.start()
  const fleet = startFleet(CLIENTS, { port: daemon.mqttPort, qos: 1, padding: PADDING })
  let largest = 0
  const measure = setInterval(() => {
    largest = Math.max(largest, sizeOf(daemon))
  }, 20)
  try {
    await fleet.publishTo(EACH)
    unblockJournal(daemon)
    await daemon.drained('journal')
    const arrivals = journalArrivals(daemon.path('journal'))
    const missing = fleet.acknowledged() - new Set(arrivals.map(({ source, n }) => `${source}/${n}`)).size
    expect(fleet.acknowledged()).toBe(CLIENTS * EACH)
    expect(largest).toBeLessThanOrEqual(LIMIT_BYTES * 1.05)
    expect(missing).toBeGreaterThan(CLIENTS * EACH * 0.6)
    expect(missing).toBeLessThan(CLIENTS * EACH * 0.9)
    await waitUntil(
      () => 'the figures are those of the end',
      async () => (await daemon.metric('destination_queued{destination="journal"}')) === 0,
    )
    expect(await daemon.metric('destination_dropped_total{destination="journal"}')).toBe(missing)
    expect(await daemon.metric('destination_delivered_total{destination="journal"}')).toBe(arrivals.length)
    expect(check([], arrivals)).toMatchObject({ inversions: [], duplicates: 0 })
    // The newest are what remains.
    for (const { source } of fleet.publishers) expect(arrivals.findLast((one) => one.source === source)?.n).toBe(EACH)
  } finally {
    clearInterval(measure)
    fleet.close()
    await daemon.remove()
  }
})

function sizeOf(daemon: DaemonProcess): number {
  const files = ['data/stepflow.db', 'data/stepflow.db-wal'].map((name) => daemon.path(name))
  return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0)
}

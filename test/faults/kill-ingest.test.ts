import { expect, test } from 'vitest'
import { check } from '../support/checker.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { journalArrivals } from '../support/journal-reader.ts'
import { startFleet, type Fleet } from '../support/publisher.ts'

const KILLS = 10
const CLIENTS = 20
const WINDOW = 20
const EACH = 550

/** Kills the daemon and starts it again, evenly over the messages. */
async function killRepeatedly(daemon: DaemonProcess, fleet: Fleet, total: number): Promise<void> {
  for (let kill = 1; kill <= KILLS; kill++) {
    await fleet.reached(Math.floor((total * kill) / (KILLS + 1)))
    await daemon.kill()
    await daemon.start()
  }
}

test('row 1: kill -9 while 20 clients publish QoS 1 loses nothing that was acknowledged', async () => {
  const daemon = await DaemonProcess.create()
  await daemon.start()
  const fleet = startFleet(CLIENTS, { port: daemon.mqttPort, qos: 1, window: WINDOW })
  try {
    const published = fleet.publishTo(EACH)
    await killRepeatedly(daemon, fleet, CLIENTS * EACH)
    await published
    await daemon.drained('journal')
    const verdict = check(fleet.publishers, journalArrivals(daemon.path('journal')))
    expect(fleet.acknowledged()).toBe(CLIENTS * EACH)
    expect(verdict).toMatchObject({ lost: [], inversions: [], sharedIds: [] })
    // A device sends again what it had no acknowledgement for; each such message has an id of its own.
    expect(verdict.leftAfterDeduplication).toBeLessThanOrEqual(CLIENTS * WINDOW * KILLS)
  } finally {
    fleet.close()
    await daemon.remove()
  }
})

test('row 2: kill -9 while 20 clients with persistent sessions publish QoS 2 stores everything exactly once', async () => {
  const daemon = await DaemonProcess.create()
  await daemon.start()
  const fleet = startFleet(CLIENTS, { port: daemon.mqttPort, qos: 2, window: WINDOW })
  try {
    const published = fleet.publishTo(EACH)
    await killRepeatedly(daemon, fleet, CLIENTS * EACH)
    await published
    await daemon.drained('journal')
    const verdict = check(fleet.publishers, journalArrivals(daemon.path('journal')))
    expect(fleet.acknowledged()).toBe(CLIENTS * EACH)
    expect(verdict).toMatchObject({ lost: [], inversions: [], sharedIds: [], leftAfterDeduplication: 0 })
  } finally {
    fleet.close()
    await daemon.remove()
  }
})

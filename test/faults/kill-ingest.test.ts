import { expect, test } from 'vitest'
import { check } from '../support/checker.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { journalArrivals } from '../support/journal-reader.ts'
import { startFleet, type Fleet } from '../support/publisher.ts'
import { sized } from '../support/soak.ts'

const CLIENTS = 20
const WINDOW = 20
const EACH = sized(550, 5_500)
const LIMIT_MS = sized(120_000, 3_600_000)

/** Kills the daemon and starts it again, evenly over the messages. */
async function killRepeatedly(kills: number, daemon: DaemonProcess, fleet: Fleet): Promise<void> {
  for (let kill = 1; kill <= kills; kill++) {
    await fleet.reached(Math.floor((CLIENTS * EACH * kill) / (kills + 1)))
    await daemon.kill()
    await daemon.start()
  }
}

test(
  'row 1: kill -9 while 20 clients publish QoS 1 loses nothing that was acknowledged',
  async () => {
    const kills = sized(10, 100)
    const daemon = await DaemonProcess.create()
    await daemon.start()
    const fleet = startFleet(CLIENTS, { port: daemon.mqttPort, qos: 1, window: WINDOW })
    try {
      const published = fleet.publishTo(EACH)
      await killRepeatedly(kills, daemon, fleet)
      await published
      await daemon.drained('journal')
      const verdict = check(fleet.publishers, journalArrivals(daemon.path('journal')))
      expect(fleet.acknowledged()).toBe(CLIENTS * EACH)
      expect(verdict).toMatchObject({ lost: [], inversions: [], sharedIds: [] })
      // A device sends again what it had no acknowledgement for; each such message has an id of its own.
      expect(verdict.leftAfterDeduplication).toBeLessThanOrEqual(CLIENTS * WINDOW * kills)
    } finally {
      fleet.close()
      await daemon.remove()
    }
  },
  LIMIT_MS,
)

test(
  'row 2: kill -9 while 20 clients with persistent sessions publish QoS 2 stores everything exactly once',
  async () => {
    const kills = sized(10, 50)
    const daemon = await DaemonProcess.create()
    await daemon.start()
    const fleet = startFleet(CLIENTS, { port: daemon.mqttPort, qos: 2, window: WINDOW })
    try {
      const published = fleet.publishTo(EACH)
      await killRepeatedly(kills, daemon, fleet)
      await published
      await daemon.drained('journal')
      const verdict = check(fleet.publishers, journalArrivals(daemon.path('journal')))
      expect(fleet.acknowledged()).toBe(CLIENTS * EACH)
      expect(verdict).toMatchObject({ lost: [], inversions: [], sharedIds: [], leftAfterDeduplication: 0 })
    } finally {
      fleet.close()
      await daemon.remove()
    }
  },
  LIMIT_MS,
)

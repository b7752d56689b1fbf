import { expect, test } from 'vitest'
import { check } from '../support/checker.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { journalArrivals } from '../support/journal-reader.ts'
import { connectClient } from '../support/mqtt-client.ts'
import { startFleet, type Fleet } from '../support/publisher.ts'

const CLIENTS = 20
const EACH = 500

async function expectNothingLost(daemon: DaemonProcess, fleet: Fleet): Promise<void> {
  await daemon.drained('journal')
  expect(fleet.acknowledged()).toBe(CLIENTS * EACH)
  const verdict = check(fleet.publishers, journalArrivals(daemon.path('journal')))
  expect(verdict).toMatchObject({ lost: [], inversions: [], sharedIds: [] })
}

test('row 40: SIGTERM under load drains, ends with 0 and loses nothing', async () => {
  const daemon = await DaemonProcess.create()
  await daemon.start()
  const fleet = startFleet(CLIENTS, { port: daemon.mqttPort, qos: 1 })
  try {
    const published = fleet.publishTo(EACH)
    for (const share of [0.25, 0.5, 0.75]) {
      await fleet.reached(CLIENTS * EACH * share)
      const from = daemon.log().length
      expect(await daemon.stop()).toEqual({ code: 0, signal: null })
      expect(daemon.log().slice(from)).toContain('"msg":"stopped"')
      // What was acknowledged until now, by an end that called itself clean, needs nothing of the devices any more.
      const acknowledged = fleet.publishers.map(({ source, acknowledged: all }) => ({ source, acknowledged: [...all] }))
      await daemon.start()
      await daemon.drained('journal')
      expect(check(acknowledged, journalArrivals(daemon.path('journal'))).lost).toEqual([])
    }
    await published
    await expectNothingLost(daemon, fleet)
  } finally {
    fleet.close()
    await daemon.remove()
  }
})

test('row 42: at its memory limit the daemon dies, and the next start has everything', async () => {
  const daemon = await DaemonProcess.create({ nodeArgs: ['--max-old-space-size=64'] })
  await daemon.start()
  const fleet = startFleet(CLIENTS, { port: daemon.mqttPort, qos: 1 })
  try {
    const published = fleet.publishTo(EACH)
    await fleet.reached(1_000)
    const flood = await connectClient(daemon.mqttPort)
    flood.on('error', (error) => error)
    // Every subscription stays in the broker's memory.
    let filters = 0
    const subscribe = (): void => {
      if (!daemon.running) return
      const batch = Array.from({ length: 1_000 }, () => `filter/${filters++}/${'x'.repeat(100)}/+`)
      flood.subscribe(batch, () => setImmediate(subscribe))
    }
    subscribe()
    expect(await daemon.exit()).not.toMatchObject({ code: 0 })
    flood.end(true)
    expect(daemon.log()).toContain('heap')
    daemon.nodeArgs = []
    await daemon.start()
    await published
    await expectNothingLost(daemon, fleet)
  } finally {
    fleet.close()
    await daemon.remove()
  }
})

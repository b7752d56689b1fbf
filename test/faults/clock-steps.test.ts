import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { waitUntil } from '../servers/wait-until.ts'
import { blockJournal, unblockJournal } from '../support/blocked-journal.ts'
import { DaemonProcess } from '../support/daemon-process.ts'
import { readJournal } from '../support/journal-reader.ts'
import { collect, connectClient } from '../support/mqtt-client.ts'

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1'
const DAY_S = 86_400
const KEEPALIVE_S = 1

/** A daemon whose wall clock is what a file says; its timers stay real. */
async function withClock(offset: string, settings: Record<string, unknown> = {}) {
  if (!existsSync(LIBRARY)) throw new Error('libfaketime is missing: apt-get install faketime')
  const daemon = await DaemonProcess.create({ settings })
  const file = daemon.writeFile('clock', offset)
  daemon.env = { LD_PRELOAD: LIBRARY, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', DONT_FAKE_MONOTONIC: '1' }
  return { daemon, step: (to: string) => writeFileSync(file, to) }
}

test('row 21: a clock that steps by 400 days and back by one expires nothing and publishes no will', async () => {
  const { daemon, step } = await withClock('+0', { store: { directory: './data', maxAge: '30d' } })
  blockJournal(daemon)
  await daemon.start()
  const willing = await connectClient(daemon.mqttPort, {
    keepalive: KEEPALIVE_S,
    will: { topic: 'device/9/data', payload: Buffer.from('{"temperature":9,"humidity":9}'), qos: 1, retain: false },
  })
  const watcher = await connectClient(daemon.mqttPort)
  const received = collect(watcher)
  await watcher.subscribeAsync('device/#', { qos: 1 })
  try {
    for (const offset of ['+0', `+${400 * DAY_S}`, `-${DAY_S}`]) {
      step(offset)
      await willing.publishAsync('device/1/data', '{"temperature":1,"humidity":2}', { qos: 1 })
      // Time enough for a broker that goes by the wall clock to miss a ping.
      await sleep(KEEPALIVE_S * 2_000)
    }
    expect(willing.connected).toBe(true)
    unblockJournal(daemon)
    await daemon.drained('journal')
    expect(readJournal(daemon.path('journal'))).toHaveLength(3)
    await waitUntil(
      () => 'the upstream tells of all three',
      async () => (await daemon.upstream('journal'))?.delivered === 3,
    )
    expect(await daemon.upstream('journal')).toMatchObject({ expired: 0, dropped: 0 })
    expect(received.filter((message) => message.topic === 'device/9/data')).toEqual([])
    // The watcher would have seen it.
    willing.stream.destroy()
    await waitUntil(
      () => 'the will of a connection that really breaks is published',
      () => received.some((message) => message.topic === 'device/9/data'),
    )
  } finally {
    await willing.endAsync()
    await watcher.endAsync()
    await daemon.remove()
  }
})

test('row 22: after a boot in 1970 messages are accepted, and get their time when the clock is synchronised', async () => {
  const { daemon, step } = await withClock(`-${Math.floor(Date.now() / 1_000)}`)
  blockJournal(daemon)
  await daemon.start()
  const client = await connectClient(daemon.mqttPort)
  try {
    const sent: { fromMs: number; toMs: number }[] = []
    for (let n = 1; n <= 50; n++) {
      const fromMs = Date.now()
      await client.publishAsync('device/1/data', `{"temperature":${n},"humidity":1}`, { qos: 1 })
      sent.push({ fromMs, toMs: Date.now() })
    }
    step('+0')
    // The gateway asks for the clock every half minute.
    await daemon.logged('the clock is synchronised', 0, 60_000)
    unblockJournal(daemon)
    await daemon.drained('journal')
    const arrivals = readJournal(daemon.path('journal'))
    expect(arrivals.map((line) => line.payload?.temperature)).toEqual(sent.map((_, index) => index + 1))
    for (const [index, { fromMs, toMs }] of sent.entries()) {
      expect(arrivals[index]?.headers['clock']).toBe('synced')
      const receivedAt = Date.parse(arrivals[index]?.receivedAt ?? '')
      expect(receivedAt).toBeGreaterThanOrEqual(fromMs - 1_000)
      expect(receivedAt).toBeLessThanOrEqual(toMs + 1_000)
    }
  } finally {
    await client.endAsync()
    await daemon.remove()
  }
}, 120_000)

test('row 22: what is sent on before that is marked as unsynced', async () => {
  const { daemon } = await withClock(`-${Math.floor(Date.now() / 1_000)}`)
  await daemon.start()
  const client = await connectClient(daemon.mqttPort)
  try {
    await client.publishAsync('device/1/data', '{"temperature":1,"humidity":2}', { qos: 1 })
    await daemon.drained('journal')
    const [arrival] = readJournal(daemon.path('journal'))
    expect(arrival?.headers['clock']).toBe('unsynced')
    expect(arrival?.receivedAt).toMatch(/^19[67]\d-/)
  } finally {
    await client.endAsync()
    await daemon.remove()
  }
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../../daemon/core/logger.ts'
import { openReadable } from '../../../daemon/store/connection.ts'
import { LogReader } from '../../../daemon/store/log/log-reader.ts'
import { LogStore } from '../../../daemon/store/log/log-store.ts'
import type { Writer } from '../../../daemon/store/log/writer-port.ts'
import { temporaryFolder, type TemporaryFolder } from '../../servers/temporary-folder.ts'
import { ALL_HISTORY, openOptions, recordInput, streamOp } from '../store-fixture.ts'
import { inProcessWorld, threadWorld } from './store-log.ts'

let folder: TemporaryFolder

beforeEach(() => {
  folder = temporaryFolder('writer-port')
})
afterEach(() => folder.remove())

test.each([
  { place: 'in this process', makeWorld: inProcessWorld },
  { place: 'on a thread', makeWorld: threadWorld },
])('a writer $place that is terminated is replaced, and every message is stored once', async ({ makeWorld }) => {
  const world = makeWorld()
  const writers: Writer[] = []
  const store = new LogStore({
    ...openOptions(folder.path, { clock: world.time }),
    limits: ALL_HISTORY,
    whenFull: 'reject',
    logger: silentLogger,
    onWriter: (port) => port.unref(),
    onFatal: (error) => {
      throw error
    },
    startWriter(data, events) {
      const writer = world.startWriter(data, events)
      writers.push(writer)
      return writer
    },
    timers: world.timers,
  })
  store.start()
  store.log.put(streamOp(1, ['out']))
  const stored: number[] = []
  for (let message = 0; message < 50; message++) {
    store.log.append(1, recordInput(`${message}`), (error) => {
      if (error === null) stored.push(message)
    })
    // In the middle of a commit, or before it, or behind it.
    if (message % 10 === 5) await writers.at(-1)?.terminate()
    await world.until('the message is stored', () => stored.length === message + 1)
  }
  let hasEnded = false
  void store.close(10_000).then(() => (hasEnded = true))
  await world.until('the store has closed', () => hasEnded)
  const reader = new LogReader(openReadable(folder.path))
  const payloads = reader.headsAfter(0, 100).flatMap((head) => reader.read(head)?.records ?? [])
  expect(payloads.map((record) => Number(record.payload.toString()))).toEqual(stored)
  expect(writers).toHaveLength(6)
  reader.close()
})

test('an in-process writer receives copies, and answers after the call', async () => {
  const { time, startWriter, until } = inProcessWorld()
  const store = new LogStore({
    ...openOptions(folder.path, { clock: time }),
    limits: ALL_HISTORY,
    whenFull: 'reject',
    logger: silentLogger,
    onWriter: (port) => port.unref(),
    onFatal: (error) => {
      throw error
    },
    startWriter,
    timers: time,
  })
  store.start()
  const destinations = ['out']
  let isStored = false
  store.log.put(streamOp(1, destinations), () => (isStored = true))
  expect(isStored).toBe(false)
  await until('the stream is stored', () => isStored)
  destinations.push('other')
  const reader = new LogReader(openReadable(folder.path))
  expect(reader.streams()).toEqual([{ id: 1, lane: 'live', destinations: ['out'] }])
  reader.close()
  let hasEnded = false
  void store.close(10_000).then(() => (hasEnded = true))
  await until('the store has closed', () => hasEnded)
})

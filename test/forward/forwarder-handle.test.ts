import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../daemon/core/logger.ts'
import { FakeTime } from '../../daemon/core/timers.ts'
import { ForwarderHandle } from '../../daemon/forward/forwarder-handle.ts'
import type {
  DestinationStatus,
  ForwardedCount,
  ForwarderThreadData,
  ToForwarderThread,
} from '../../daemon/forward/forwarder-messages.ts'
import type { ForwarderPortEvents } from '../../daemon/forward/forwarder-port.ts'

interface FakePort {
  events: ForwarderPortEvents
  posted: ToForwarderThread['type'][]
  isTerminated: boolean
}

const STATUS: DestinationStatus = {
  name: 'cloud',
  protocol: 'kafka',
  state: 'connected',
  sinceMs: 0,
  lastError: null,
  queued: 1,
  queuedBytes: 80,
  held: 0,
  heldRoutes: [],
  oldestMs: null,
  delivered: 5,
  deadLettered: 0,
  expired: 0,
  dropped: 0,
  damagedBytes: 0,
  lastLatencyMs: null,
}

let time: FakeTime
/** The forwarders that were started, oldest first. */
let started: FakePort[]
let writerPorts: MessagePort[]
let counts: ForwardedCount[]
let handle: ForwarderHandle

const data = (): ForwarderThreadData => ({
  directory: '/nowhere',
  gatewayId: 'gw',
  upstreams: {},
  maxAgeMs: null,
  clock: { runningMs: 0, monotonicMs: 0, wallMs: 0, synced: true },
  signal: new SharedArrayBuffer(8),
})

beforeEach(() => {
  time = new FakeTime()
  started = []
  writerPorts = []
  counts = []
  handle = new ForwarderHandle({
    data,
    connectWriter() {
      const { port1 } = new MessageChannel()
      writerPorts.push(port1)
      return port1
    },
    onCounts: (more) => counts.push(...more),
    logger: silentLogger,
    timers: time,
    startForwarder(_data, events) {
      const port: FakePort = { events, posted: [], isTerminated: false }
      started.push(port)
      return {
        post: (message) => port.posted.push(message.type),
        terminate() {
          port.isTerminated = true
          events.onEnd()
          return Promise.resolve()
        },
      }
    },
  })
})

test('a forwarder is connected to the writer when it starts', () => {
  handle.start()
  expect(started.map(({ posted }) => posted)).toEqual([['writer']])
})

test('a writer that is attached before the start is closed, because the start connects one of its own', async () => {
  const { port1, port2 } = new MessageChannel()
  const isClosed = new Promise((resolve) => port2.once('close', () => resolve(true)))
  handle.attachWriter(port1)
  expect(await isClosed).toBe(true)
  handle.start()
  expect(writerPorts).toHaveLength(1)
})

test('the last status and the counts of a forwarder are taken over', () => {
  handle.start()
  const count = { destination: 'cloud', channelIds: ['c'], delivered: 5, deadLettered: 0, latency: [] }
  started[0]?.events.onMessage({ type: 'status', destinations: [STATUS], counts: [count] })
  expect(handle.destinations).toEqual([STATUS])
  expect(counts).toEqual([count])
})

test('log lines of a forwarder are logged with their level', () => {
  const lines: unknown[] = []
  const logger = { ...silentLogger, warn: (...line: unknown[]) => lines.push(line) }
  const startForwarder = (_data: ForwarderThreadData, events: ForwarderPortEvents) => {
    started.push({ events, posted: [], isTerminated: false })
    return { post: () => undefined, terminate: () => Promise.resolve() }
  }
  const { port1 } = new MessageChannel()
  new ForwarderHandle({ data, connectWriter: () => port1, onCounts: () => undefined, logger, startForwarder }).start()
  started[0]?.events.onMessage({ type: 'log', level: 'warn', fields: { a: 1 }, message: 'careful' })
  expect(lines).toEqual([[{ a: 1 }, 'careful']])
})

test('new settings go to the forwarder that runs', () => {
  handle.configure({}, null)
  handle.start()
  handle.configure({}, 1_000)
  expect(started[0]?.posted).toEqual(['writer', 'settings'])
})

test('a forwarder that ends is followed by another, after a pause that grows to a second', async () => {
  handle.start()
  const pauses: number[] = []
  for (let restart = 1; restart <= 25; restart++) {
    const before = time.monotonicMs()
    started.at(-1)?.events.onEnd()
    while (started.length === restart) await time.pass(10)
    pauses.push(time.monotonicMs() - before)
  }
  expect(pauses.slice(0, 4)).toEqual([50, 100, 150, 200])
  expect(pauses.slice(-2)).toEqual([1_000, 1_000])
  expect(writerPorts).toHaveLength(26)
})

test('after the stop no forwarder is started', async () => {
  handle.start()
  const stopping = handle.stop(5_000)
  started[0]?.events.onMessage({ type: 'stopped' })
  await stopping
  expect(started[0]).toMatchObject({ posted: ['writer', 'stop'], isTerminated: true })
  await time.pass(10_000)
  expect(started).toHaveLength(1)
})

test('a forwarder that does not stop in time is terminated', async () => {
  handle.start()
  const stopping = handle.stop(5_000)
  await time.pass(4_999)
  expect(started[0]?.isTerminated).toBe(false)
  await time.pass(1)
  await stopping
  expect(started[0]?.isTerminated).toBe(true)
})

test('a handle that was never started stops at once', async () => {
  await handle.stop(5_000)
  expect(time.pending).toBe(0)
})

test('a stop does not wait for a forwarder that has died, or that dies instead of stopping', async () => {
  handle.start()
  started[0]?.events.onEnd()
  await handle.stop(5_000)
  expect(time.pending).toBe(0)
  await time.pass(10_000)
  expect(started).toHaveLength(1)

  handle.start()
  const stopping = handle.stop(5_000)
  started[1]?.events.onEnd()
  await stopping
  expect(time.pending).toBe(0)
})

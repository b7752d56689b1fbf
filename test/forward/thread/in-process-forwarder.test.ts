import { expect, test } from 'vitest'
import { silentLogger } from '../../../daemon/core/logger.ts'
import { FakeTime } from '../../../daemon/core/timers.ts'
import { ForwarderHandle } from '../../../daemon/forward/forwarder-handle.ts'
import type { WriterPort } from '../../../daemon/forward/forwarder-messages.ts'
import type { ForwarderPort } from '../../../daemon/forward/forwarder-port.ts'
import { ForwarderService } from '../../../daemon/forward/thread/forwarder-service.ts'
import { inProcessForwarder } from '../../../daemon/forward/thread/in-process-forwarder.ts'
import type { FileUpstream } from '../../../daemon/protocols/file/file-settings.ts'
import { FakeAdapter } from '../fake-adapter.ts'
import { runningClock } from '../fake-destination.ts'
import { FakeLog } from '../fake-log.ts'

/** Settings of the file protocol; the adapter is a fake. */
const UPSTREAM: FileUpstream = {
  protocol: 'file',
  directory: '/nowhere',
  rotateBytes: 1_000_000,
  maxBytes: 10_000_000,
  required: true,
  maxBacklogBytes: null,
  holdForMs: 1_000,
  deadlineMs: 1_000,
  from: 'now',
  retry: { minMs: 100, maxMs: 1_000 },
}

/** A port to a writer that is there and confirms nothing. */
function readyWriter(): WriterPort {
  return {
    postMessage: () => undefined,
    on: (_event, listener) => queueMicrotask(() => listener({ type: 'ready' })),
    close: () => undefined,
  }
}

/** A handle whose forwarders run in this process, in virtual time. */
function startInProcess(log: FakeLog) {
  const time = new FakeTime()
  const adapters: FakeAdapter[] = []
  const services: ForwarderService[] = []
  const ports: ForwarderPort[] = []
  const startForwarder = inProcessForwarder((options) => {
    const service = new ForwarderService({
      ...options,
      reader: log,
      clock: runningClock(time),
      timers: time,
      connect: () => () => {
        const adapter = new FakeAdapter()
        adapters.push(adapter)
        return Promise.resolve(adapter)
      },
    })
    services.push(service)
    return service
  })
  const handle = new ForwarderHandle({
    data: () => ({
      directory: '/nowhere',
      gatewayId: 'gw',
      upstreams: { cloud: UPSTREAM },
      maxAgeMs: null,
      clock: { runningMs: 0, monotonicMs: 0, wallMs: 0, synced: true },
      signal: new SharedArrayBuffer(8),
    }),
    connectWriter: readyWriter,
    onCounts: () => undefined,
    logger: silentLogger,
    timers: time,
    startForwarder: (data, events) => {
      const port = startForwarder(data, events)
      ports.push(port)
      return port
    },
  })
  handle.start()
  return { time, handle, adapters, services, ports }
}

test('a forwarder in this process forwards the log and tells its status', async () => {
  const log = new FakeLog()
  log.addStream(['cloud'])
  log.append(1, ['a', 'a'])
  const { time, handle, adapters, services } = startInProcess(log)
  await time.pass(1_000)
  log.append(1, ['a'])
  services[0]?.wake()
  await time.pass(1_000)
  expect(adapters.map((adapter) => adapter.at('a'))).toEqual([[1, 2, 3]])
  expect(handle.destinations).toMatchObject([{ name: 'cloud', state: 'connected', delivered: 3, queued: 0 }])
})

test('a forwarder in this process that fails is followed by another', async () => {
  const log = new FakeLog()
  log.addStream(['cloud'])
  const { time, adapters, services, ports } = startInProcess(log)
  await time.pass(10)
  await ports[0]?.terminate()
  await time.pass(100)
  expect(services).toHaveLength(2)
  log.append(1, ['a'])
  services[1]?.wake()
  await time.pass(1_000)
  expect(adapters.map((adapter) => adapter.at('a'))).toEqual([[], [1]])
})

/** The thread of all upstream connections. It reads the log through a connection of its own and is woken by the writer's commits. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../core/clock.ts'
import { sleep, systemTimers } from '../../core/timers.ts'
import { lowerPriority } from '../../platform/lower-priority.ts'
import { settleHeap } from '../../platform/settle-heap.ts'
import { protocolOf } from '../../protocols/registry.ts'
import { openReadable } from '../../store/connection.ts'
import { LogReader } from '../../store/log/log-reader.ts'
import { RunningClock } from '../../store/log/running-clock.ts'
import type { ForwarderThreadData, ToForwarderThread } from '../forwarder-messages.ts'
import { ForwarderService } from './forwarder-service.ts'

/** Of this thread alone, because devices and the writer, which acknowledges, come first. */
const NICENESS = 10
const GATHER_MS = 10

const port = parentPort
if (port === null) throw new Error('the forwarder runs as a worker thread')
const data = workerData as ForwarderThreadData
const hasLowPriority = lowerPriority(0, NICENESS)
const service = new ForwarderService({
  data,
  reader: new LogReader(openReadable(data.directory)),
  clock: new RunningClock(systemClock, data.clock, true, data.clock.synced),
  timers: systemTimers,
  connect: (logger) => (upstream) => protocolOf(upstream).connect(upstream, { gatewayId: data.gatewayId, logger }),
  send: (message) => port.postMessage(message),
})
if (!hasLowPriority) service.logger.info({}, 'the forwarder may not lower its priority, and runs as the rest does')
port.on('message', (message: ToForwarderThread) => void receive(message))
void service.start()
settleHeap()
void watch(new Int32Array(data.signal))

async function receive(message: ToForwarderThread): Promise<void> {
  await service.receive(message)
  if (message.type === 'stop') port?.close()
}

/** Wakes the loops at every commit; commits that come while they are at work wake them together. */
async function watch(signal: Int32Array<ArrayBufferLike>): Promise<void> {
  let seen = Atomics.load(signal, 0)
  while (!service.isStopping) {
    const waiting = Atomics.waitAsync(signal as Int32Array<SharedArrayBuffer>, 0, seen, 1_000)
    if (waiting.async) await waiting.value
    const now = Atomics.load(signal, 0)
    if (now !== seen) service.wake()
    seen = now
    // Commits come faster than batches can be sent; waking for each delays acknowledgements: the figure `latency` of the bench.
    await sleep(systemTimers, GATHER_MS)
  }
}

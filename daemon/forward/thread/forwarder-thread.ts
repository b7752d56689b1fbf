/** The thread of all upstream connections. It reads the log through a connection of its own and is woken by the writer's commits. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import { lowerPriority } from '../../platform/lower-priority.ts'
import { settleHeap } from '../../platform/settle-heap.ts'
import { openReadable } from '../../store/connection.ts'
import { LogReader } from '../../store/log/log-reader.ts'
import { RunningClock } from '../../store/log/running-clock.ts'
import type { ForwarderThreadData, FromForwarderThread, ToForwarderThread } from '../forwarder-messages.ts'
import { Forwarder } from './forwarder.ts'
import { Reporter } from './reporter.ts'

const STATUS_EVERY_MS = 500
/** Of this thread alone: devices and the writer, which answer, come first. */
const NICENESS = 10
const GATHER_MS = 10

const port = parentPort
if (port === null) throw new Error('the forwarder runs as a worker thread')
const data = workerData as ForwarderThreadData
const send = (message: FromForwarderThread): void => port.postMessage(message)
const log =
  (level: keyof Logger) =>
  (fields: object, message: string): void => {
    send({ type: 'log', level, fields: plain(fields), message })
  }
const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
if (!lowerPriority(0, NICENESS)) logger.info({}, 'the forwarder may not lower its priority, and runs as the rest does')
const reporter = new Reporter()
const forwarder = new Forwarder({
  reader: new LogReader(openReadable(data.directory)),
  reporter,
  clock: new RunningClock(systemClock, data.clock, true, data.clock.synced),
  logger,
  gatewayId: data.gatewayId,
  onFailure(error) {
    // Thrown outside of any promise: the thread ends, main starts another.
    setImmediate(() => {
      throw error
    })
  },
})
const tell = (): void => send({ type: 'status', destinations: forwarder.status(), counts: forwarder.takeCounts() })
const status = setInterval(tell, STATUS_EVERY_MS)
let stopping = false
forwarder.start(data.upstreams, data.maxAgeMs)
tell()
port.on('message', (message: ToForwarderThread) => void receive(message))
settleHeap()
void watch(new Int32Array(data.signal))

async function receive(message: ToForwarderThread): Promise<void> {
  if (message.type === 'writer') return reporter.connect(message.port)
  if (message.type === 'settings') {
    await forwarder.restart(message.upstreams, message.maxAgeMs)
    return tell()
  }
  stopping = true
  clearInterval(status)
  await forwarder.stop()
  tell()
  send({ type: 'stopped' })
  reporter.close()
  port?.close()
}

/** Wakes the loops at every commit; commits that come while they are at work are noticed together. */
async function watch(signal: Int32Array<ArrayBufferLike>): Promise<void> {
  let seen = Atomics.load(signal, 0)
  while (!stopping) {
    const waiting = Atomics.waitAsync(signal as Int32Array<SharedArrayBuffer>, 0, seen, 1_000)
    if (waiting.async) await waiting.value
    const now = Atomics.load(signal, 0)
    if (now !== seen) forwarder.wake()
    seen = now
    // Commits come faster than batches can be sent; waking for each would cost the device its acknowledgement.
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
  }
}

/** Errors do not cross threads with all they have. */
function plain(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error
        ? {
            type: value.name,
            message: value.message,
            code: 'code' in value ? value.code : undefined,
            stack: value.stack,
          }
        : value,
    ]),
  )
}

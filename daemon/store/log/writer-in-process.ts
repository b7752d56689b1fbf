import { MessageChannel } from 'node:worker_threads'
import type { Clock } from '../../core/clock.ts'
import type { Timers } from '../../core/timers.ts'
import { startWriterLoop } from './writer-loop.ts'
import type { FromWriter, ToWriter } from './writer-messages.ts'
import type { StartWriter } from './writer-port.ts'

/**
 * Runs the writer in the caller's thread, on clock and timers that can be virtual: for simulations. As between threads, a message is
 * copied, and arrives after the call that posts it.
 */
export function writerInProcess(clock: Clock, timers: Timers): StartWriter {
  return (data, events) => {
    const arrivals: (() => void)[] = []
    let hasEnded = false
    const later = (arrive: () => void): void => {
      arrivals.push(arrive)
      setImmediate(() => arrivals.shift()?.())
    }
    const answer = (message: FromWriter): void => {
      if (!hasEnded) later(() => events.onMessage(message))
    }
    const end = (): void => {
      if (hasEnded) return
      hasEnded = true
      loop?.abandon()
      later(() => events.onEnd())
    }
    const receive = (message: ToWriter): void => {
      if (!hasEnded && loop?.receive(message) !== false) end()
    }
    const open = (): ReturnType<typeof startWriterLoop> => {
      try {
        return startWriterLoop({ data: structuredClone(data), clock, timers, answer })
      } catch (error) {
        later(() => events.onError(error))
        return undefined
      }
    }
    const loop = open()
    if (loop === undefined) end()
    return {
      post(message) {
        const copy = structuredClone(message)
        later(() => receive(copy))
      },
      connectForwarder() {
        const { port1, port2 } = new MessageChannel()
        later(() => receive({ type: 'forwarder', port: port1 }))
        return port2
      },
      terminate() {
        end()
        return Promise.resolve()
      },
    }
  }
}

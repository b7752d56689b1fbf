import type { StartForwarder } from '../forwarder-port.ts'
import type { ForwarderService, ForwarderServiceOptions } from './forwarder-service.ts'

/**
 * A forwarder without a thread, for simulations in virtual time. `build` makes its service at every start, with fakes for all
 * that the thread would open by itself. Messages are cloned and delivered later, as they are between threads.
 */
export function inProcessForwarder(
  build: (options: Pick<ForwarderServiceOptions, 'data' | 'send'>) => ForwarderService,
): StartForwarder {
  return (data, events) => {
    let hasEnded = false
    const end = (): void => {
      if (hasEnded) return
      hasEnded = true
      service.abandon()
      queueMicrotask(() => events.onEnd())
    }
    const service = build({
      data,
      send(message) {
        const copy = structuredClone(message)
        queueMicrotask(() => {
          if (!hasEnded) events.onMessage(copy)
        })
      },
    })
    queueMicrotask(() => {
      if (!hasEnded) void service.start()
    })
    return {
      post(message) {
        // A port to the writer is handed over, not copied.
        const copy = message.type === 'writer' ? message : structuredClone(message)
        queueMicrotask(() => {
          if (!hasEnded) void service.receive(copy)
        })
      },
      terminate() {
        end()
        return Promise.resolve()
      },
    }
  }
}

import { Worker, type Transferable } from 'node:worker_threads'
import { siblingModule } from '../platform/module-url.ts'
import type { ForwarderThreadData, FromForwarderThread, ToForwarderThread } from './forwarder-messages.ts'

/** The border of the forwarder's thread as main sees it. */
export interface ForwarderPort {
  /** Messages arrive in the order in which they were posted. After the end they are dropped. */
  post(message: ToForwarderThread, transfer?: readonly Transferable[]): void
  /** Ends the forwarder at once, even in the middle of a send; resolves after `onEnd` was called. */
  terminate(): Promise<void>
}

export interface ForwarderPortEvents {
  onMessage(message: FromForwarderThread): void
  /** The forwarder failed; `onEnd` follows. */
  onError(error: unknown): void
  /** Called once, whatever ended the forwarder. */
  onEnd(): void
}

/** Starts a forwarder; the events come later, never during the call. */
export type StartForwarder = (data: ForwarderThreadData, events: ForwarderPortEvents) => ForwarderPort

export const startForwarderThread: StartForwarder = (data, events) => {
  const worker = new Worker(siblingModule(import.meta.url, './thread/forwarder-thread'), {
    name: 'forwarder',
    workerData: data,
    resourceLimits: { maxYoungGenerationSizeMb: 9, maxOldGenerationSizeMb: 128 },
  })
  worker.on('message', (message: FromForwarderThread) => events.onMessage(message))
  worker.on('error', (error) => events.onError(error))
  worker.on('exit', () => events.onEnd())
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    terminate: async () => {
      await worker.terminate()
    },
  }
}

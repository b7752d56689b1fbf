import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { siblingModule } from '../../platform/module-url.ts'
import type { FromWriter, ToWriter, WriterData } from './writer-messages.ts'

/** A log writer that was started, as main holds it. One that has ended is replaced by another. */
export interface Writer {
  /** Messages arrive in the order of the calls. After the end they are lost. */
  post(message: Exclude<ToWriter, { type: 'forwarder' }>): void
  /** Returns a port for a forwarder, which replaces the one that was connected before. */
  connectForwarder(): MessagePort
  /** Ends the writer at once; an open transaction is rolled back. */
  terminate(): Promise<void>
}

export interface WriterEvents {
  onMessage(message: FromWriter): void
  /** The writer has thrown an error, and ends. */
  onError(error: unknown): void
  /** Called once, after the last message. */
  onEnd(): void
}

/** Starts a writer. Its first message is `ready`, unless it fails. */
export type StartWriter = (data: WriterData, events: WriterEvents) => Writer

/** Runs the writer on a thread of its own, so that only that thread waits for an fsync. */
export const startWriterThread: StartWriter = (data, events) => {
  const worker = new Worker(siblingModule(import.meta.url, './writer-thread'), {
    name: 'log-writer',
    workerData: data,
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  })
  worker.on('message', (message: FromWriter) => events.onMessage(message))
  worker.on('error', (error) => events.onError(error))
  worker.on('exit', () => events.onEnd())
  return {
    post: (message) => worker.postMessage(message),
    connectForwarder() {
      const { port1, port2 } = new MessageChannel()
      worker.postMessage({ type: 'forwarder', port: port1 } satisfies ToWriter, [port1])
      return port2
    },
    async terminate() {
      await worker.terminate()
    },
  }
}

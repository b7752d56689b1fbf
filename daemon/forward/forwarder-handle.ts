import { Worker, type MessagePort } from 'node:worker_threads'
import type { Logger } from '../core/logger.ts'
import { siblingModule } from '../platform/module-url.ts'
import type { UpstreamSettings } from '../settings/sections/upstream-common.ts'
import type {
  DestinationStatus,
  ForwardedCount,
  ForwarderThreadData,
  FromForwarderThread,
  ToForwarderThread,
} from './forwarder-messages.ts'

export interface ForwarderHandleOptions {
  /** Read anew at every start. */
  data: () => ForwarderThreadData
  /** A port to the log writer, for a thread that has none yet. */
  connectWriter: () => MessagePort
  /** What was forwarded since it was last told. */
  onCounts: (counts: readonly ForwardedCount[]) => void
  logger: Logger
}

/** The forwarder as the main thread holds it: started, restarted when it dies, asked how it is. */
export class ForwarderHandle {
  destinations: DestinationStatus[] = []
  private readonly options: ForwarderHandleOptions
  private worker: Worker | undefined
  private restarts = 0
  private stopping: (() => void) | undefined

  constructor(options: ForwarderHandleOptions) {
    this.options = options
  }

  start(): void {
    const worker = new Worker(siblingModule(import.meta.url, './thread/forwarder-thread'), {
      name: 'forwarder',
      workerData: this.options.data(),
      resourceLimits: { maxYoungGenerationSizeMb: 9, maxOldGenerationSizeMb: 128 },
    })
    worker.on('message', (message: FromForwarderThread) => this.receive(message))
    worker.on('error', (error) => this.options.logger.error({ err: error }, 'forwarder failed'))
    worker.on('exit', () => this.ended(worker))
    this.worker = worker
    this.attachWriter(this.options.connectWriter())
  }

  /** The log writer is another one now. */
  attachWriter(port: MessagePort): void {
    if (this.worker === undefined) port.close()
    else this.worker.postMessage({ type: 'writer', port } satisfies ToForwarderThread, [port])
  }

  configure(upstreams: Record<string, UpstreamSettings>, maxAgeMs: number | null): void {
    this.worker?.postMessage({ type: 'settings', upstreams, maxAgeMs } satisfies ToForwarderThread)
  }

  /** Finishes what is being sent, within `timeoutMs`; the backlog stays in the log. */
  async stop(timeoutMs: number): Promise<void> {
    const { worker } = this
    if (worker === undefined) return
    const stopped = new Promise<void>((resolve) => {
      this.stopping = resolve
    })
    worker.postMessage({ type: 'stop' } satisfies ToForwarderThread)
    await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, timeoutMs).unref())])
    await worker.terminate()
  }

  private receive(message: FromForwarderThread): void {
    switch (message.type) {
      case 'status':
        this.destinations = message.destinations
        if (message.counts.length > 0) this.options.onCounts(message.counts)
        break
      case 'log':
        this.options.logger[message.level](message.fields, message.message)
        break
      case 'stopped':
        this.stopping?.()
        break
    }
  }

  private ended(worker: Worker): void {
    if (this.stopping !== undefined || worker !== this.worker) return
    this.restarts++
    this.options.logger.error({ restarts: this.restarts }, 'forwarder ended, starting another')
    setTimeout(() => this.start(), Math.min(1_000, 50 * this.restarts))
  }
}

import type { MessagePort } from 'node:worker_threads'
import type { Logger } from '../core/logger.ts'
import { settledWithin, systemTimers, type Timers } from '../core/timers.ts'
import type { UpstreamSettings } from '../settings/sections/upstream-common.ts'
import type {
  DestinationStatus,
  ForwardedCount,
  ForwarderThreadData,
  FromForwarderThread,
} from './forwarder-messages.ts'
import { type ForwarderPort, type StartForwarder, startForwarderThread } from './forwarder-port.ts'

export interface ForwarderHandleOptions {
  /** Called at every start, because settings and clock change. */
  data: () => ForwarderThreadData
  /** Opens a port to the log writer, for a forwarder that has just been started. */
  connectWriter: () => MessagePort
  /** Messages forwarded since the last call. */
  onCounts: (counts: readonly ForwardedCount[]) => void
  logger: Logger
  timers?: Timers
  /** A thread of its own by default. */
  startForwarder?: StartForwarder
}

const RESTART_STEP_MS = 50
const MAX_RESTART_DELAY_MS = 1_000

/** The forwarder as the main thread holds it: starts it, starts another when it ends, and keeps its last status. */
export class ForwarderHandle {
  destinations: DestinationStatus[] = []
  private readonly options: ForwarderHandleOptions
  private readonly timers: Timers
  private port: ForwarderPort | undefined
  private restarts = 0
  /** Resolves `stop`; set from its call on. */
  private stopped: (() => void) | undefined

  constructor(options: ForwarderHandleOptions) {
    this.options = options
    this.timers = options.timers ?? systemTimers
  }

  start(): void {
    const { startForwarder = startForwarderThread, data, logger, connectWriter } = this.options
    const port = startForwarder(data(), {
      onMessage: (message) => this.receive(message),
      onError: (error) => logger.error({ err: error }, 'forwarder failed'),
      onEnd: () => this.ended(port),
    })
    this.port = port
    this.attachWriter(connectWriter())
  }

  /** Connects the forwarder to another log writer. Before `start` the port is closed, because `start` opens its own. */
  attachWriter(port: MessagePort): void {
    if (this.port === undefined) port.close()
    else this.port.post({ type: 'writer', port }, [port])
  }

  configure(upstreams: Record<string, UpstreamSettings>, maxAgeMs: number | null): void {
    this.port?.post({ type: 'settings', upstreams, maxAgeMs })
  }

  /** Gives outstanding sends `timeoutMs` to finish; the backlog stays in the log. */
  async stop(timeoutMs: number): Promise<void> {
    const { port } = this
    if (port === undefined) return
    const stopped = new Promise<void>((resolve) => {
      this.stopped = resolve
    })
    port.post({ type: 'stop' })
    await settledWithin(this.timers, stopped, timeoutMs)
    await port.terminate()
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
        this.stopped?.()
        break
    }
  }

  private ended(port: ForwarderPort): void {
    if (this.stopped !== undefined || port !== this.port) return
    this.restarts++
    this.options.logger.error({ restarts: this.restarts }, 'forwarder ended, starting another')
    this.timers.after(Math.min(MAX_RESTART_DELAY_MS, RESTART_STEP_MS * this.restarts), () => this.start())
  }
}

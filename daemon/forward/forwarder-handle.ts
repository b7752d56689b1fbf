import { MessagePort } from 'node:worker_threads'
import { systemClock, type Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { settledWithin, systemTimers, type Timer, type Timers } from '../core/timers.ts'
import type { UpstreamSettings } from '../settings/sections/upstream-common.ts'
import type {
  DestinationStatus,
  ForwardedCount,
  ForwarderThreadData,
  FromForwarderThread,
  ToForwarderThread,
  WriterPort,
} from './forwarder-messages.ts'
import { type ForwarderPort, type StartForwarder, startForwarderThread } from './forwarder-port.ts'

export interface ForwarderHandleOptions {
  /** Called at every start, because settings and clock change. */
  data: () => ForwarderThreadData
  /** Opens a port to the log writer, for a forwarder that has just been started. */
  connectWriter: () => WriterPort
  /** Messages forwarded since the last call. */
  onCounts: (counts: readonly ForwardedCount[]) => void
  logger: Logger
  timers?: Timers
  clock?: Clock
  /** A thread of its own by default. */
  startForwarder?: StartForwarder
}

const RESTART_STEP_MS = 50
const MAX_RESTART_DELAY_MS = 1_000
/** The gateway is shown as degraded for so long after the forwarder has ended. */
const RECENT_MS = 600_000
const DISCARD_MS = 30_000

/** The forwarder as the main thread holds it: starts it, starts another when it ends, and keeps its last status. */
export class ForwarderHandle {
  destinations: DestinationStatus[] = []
  private readonly options: ForwarderHandleOptions
  private readonly timers: Timers
  private readonly clock: Clock
  private port: ForwarderPort | undefined
  private isRunning = false
  private restarts = 0
  private lastEndMs: number | undefined
  private nextStart: Timer | undefined
  private nextQuestion = 1
  private readonly questions = new Map<number, (answer: number | null | undefined) => void>()
  /** Resolves `stop`; set from its call on. */
  private stopped: (() => void) | undefined

  constructor(options: ForwarderHandleOptions) {
    this.options = options
    this.timers = options.timers ?? systemTimers
    this.clock = options.clock ?? systemClock
  }

  /** Restarts since the start of the gateway, while the last one is recent; undefined else. */
  get recentRestarts(): number | undefined {
    if (this.lastEndMs === undefined) return undefined
    return this.clock.monotonicMs() - this.lastEndMs < RECENT_MS ? this.restarts : undefined
  }

  start(): void {
    const { startForwarder = startForwarderThread, data, logger, connectWriter } = this.options
    const port = startForwarder(data(), {
      onMessage: (message) => this.receive(message),
      onError: (error) => logger.error({ err: error }, 'forwarder failed'),
      onEnd: () => this.ended(port),
    })
    this.port = port
    this.isRunning = true
    this.attachWriter(connectWriter())
  }

  /** Connects the forwarder to another log writer. Before `start` the port is closed, because `start` opens its own. */
  attachWriter(port: WriterPort): void {
    if (this.port === undefined) port.close()
    else this.port.post({ type: 'writer', port }, port instanceof MessagePort ? [port] : [])
  }

  configure(upstreams: Record<string, UpstreamSettings>, maxAgeMs: number | null): void {
    this.port?.post({ type: 'settings', upstreams, maxAgeMs })
  }

  /** Dead letters of a destination were put back, durably, to be sent again. */
  replay(destination: string): void {
    this.port?.post({ type: 'replay', destination })
  }

  /**
   * Gives up everything that a removed destination has left. Resolves to the number of deliveries; undefined where the destination is
   * configured, unknown, or the forwarder does not answer.
   */
  async discard(destination: string): Promise<number | undefined> {
    const answer = await this.ask((id) => ({ type: 'discard', destination, id }), DISCARD_MS)
    return answer ?? undefined
  }

  /** Resolves to false where the forwarder does not answer within `timeoutMs`. One that is being restarted counts as alive. */
  async alive(timeoutMs: number): Promise<boolean> {
    if (!this.isRunning) return true
    const answer = await this.ask((id) => ({ type: 'alive', id }), timeoutMs)
    return answer !== undefined || !this.isRunning
  }

  /** Gives outstanding sends `timeoutMs` to finish; the backlog stays in the log. */
  async stop(timeoutMs: number): Promise<void> {
    this.nextStart?.cancel()
    const { port } = this
    if (port === undefined || !this.isRunning) return
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
      case 'discarded':
        this.questions.get(message.id)?.(message.deliveries)
        break
      case 'alive':
        this.questions.get(message.id)?.(null)
        break
      case 'stopped':
        this.stopped?.()
        break
    }
  }

  /** Resolves to undefined where no answer comes within `timeoutMs`. */
  private async ask(
    question: (id: number) => ToForwarderThread,
    timeoutMs: number,
  ): Promise<number | null | undefined> {
    if (!this.isRunning) return undefined
    const id = this.nextQuestion++
    const answer = new Promise<number | null | undefined>((resolve) => {
      const timer = this.timers.after(timeoutMs, () => resolve(undefined))
      this.questions.set(id, (value) => {
        timer.cancel()
        resolve(value)
      })
    })
    this.port?.post(question(id))
    return answer.finally(() => this.questions.delete(id))
  }

  private ended(port: ForwarderPort): void {
    if (port !== this.port) return
    this.isRunning = false
    if (this.stopped !== undefined) return this.stopped()
    this.restarts++
    this.lastEndMs = this.clock.monotonicMs()
    for (const answer of this.questions.values()) answer(undefined)
    this.options.logger.error({ restarts: this.restarts }, 'forwarder ended, starting another')
    const delayMs = Math.min(MAX_RESTART_DELAY_MS, RESTART_STEP_MS * this.restarts)
    this.nextStart = this.timers.after(delayMs, () => this.start())
  }
}

import type { Logger } from '../../core/logger.ts'
import type { Timer, Timers } from '../../core/timers.ts'
import type { RunningClock } from '../../store/log/running-clock.ts'
import type { ForwarderThreadData, FromForwarderThread, ToForwarderThread } from '../forwarder-messages.ts'
import { type ConnectUpstream, Forwarder, type ForwarderReader } from './forwarder.ts'
import { Reporter } from './reporter.ts'

const STATUS_EVERY_MS = 500

export interface ForwarderServiceOptions {
  data: Pick<ForwarderThreadData, 'upstreams' | 'maxAgeMs'>
  reader: ForwarderReader
  clock: RunningClock
  timers: Timers
  /** Makes a connected adapter; the logger is the one that crosses to main. */
  connect: (logger: Logger) => ConnectUpstream
  /** Draws the jitter of pauses; absent: at random. */
  random?: () => number
  /** Hands a message to main. */
  send: (message: FromForwarderThread) => void
}

/** The forwarder behind its port: takes main's messages and sends status and log lines, on a thread of its own or in a simulation. */
export class ForwarderService {
  readonly logger: Logger
  isStopping = false
  private readonly options: ForwarderServiceOptions
  private readonly reporter = new Reporter()
  private readonly forwarder: Forwarder
  private status: Timer | undefined
  private settings: Pick<ForwarderThreadData, 'upstreams' | 'maxAgeMs'>
  private isStarted = false

  constructor(options: ForwarderServiceOptions) {
    const { reader, clock, timers, connect, random, send } = options
    this.options = options
    this.settings = options.data
    this.logger = loggerTo(send)
    this.forwarder = new Forwarder({
      reader,
      reporter: this.reporter,
      clock,
      timers,
      logger: this.logger,
      connect: connect(this.logger),
      random,
    })
  }

  /** Begins when the writer has answered: then the cursors are those that an earlier forwarder has left. */
  async start(): Promise<void> {
    await this.reporter.ready
    if (this.isStopping) return
    const { timers } = this.options
    this.status = timers.every(STATUS_EVERY_MS, () => this.sendStatus())
    this.forwarder.start(this.settings.upstreams, this.settings.maxAgeMs)
    this.isStarted = true
    this.sendStatus()
  }

  /** The log has new messages. */
  wake(): void {
    this.forwarder.wake()
  }

  async receive(message: ToForwarderThread): Promise<void> {
    switch (message.type) {
      case 'writer':
        return this.reporter.connect(message.port)
      case 'settings':
        this.settings = message
        if (this.isStarted) await this.forwarder.configure(message.upstreams, message.maxAgeMs)
        return this.isStarted ? this.sendStatus() : undefined
      case 'replay':
        return this.forwarder.replay(message.destination)
      case 'discard': {
        const deliveries = (await this.forwarder.discard(message.destination)) ?? null
        this.options.send({ type: 'discarded', id: message.id, deliveries })
        return this.sendStatus()
      }
      case 'alive':
        return this.options.send({ type: 'alive', id: message.id })
      case 'stop':
        this.isStopping = true
        this.status?.cancel()
        await this.forwarder.stop()
        this.sendStatus()
        this.options.send({ type: 'stopped' })
        return this.reporter.close()
    }
  }

  /** Leaves everything as it stands, as the end of a thread would: reports nothing more. */
  abandon(): void {
    this.isStopping = true
    this.status?.cancel()
    this.reporter.close()
    void this.forwarder.stop()
  }

  private sendStatus(): void {
    const { forwarder } = this
    this.options.send({ type: 'status', destinations: forwarder.status(), counts: forwarder.drainCounts() })
  }
}

function loggerTo(send: (message: FromForwarderThread) => void): Logger {
  const log =
    (level: keyof Logger) =>
    (fields: object, message: string): void => {
      send({ type: 'log', level, fields: cloneable(fields), message })
    }
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}

/** An error that is cloned across threads loses its code and the fields of its class. */
function cloneable(fields: object): Record<string, unknown> {
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

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
  /** Hands a message to main. */
  send: (message: FromForwarderThread) => void
  onFailure: (error: unknown) => void
}

/** The forwarder behind its port: takes main's messages and sends status and log lines, on a thread of its own or in a simulation. */
export class ForwarderService {
  readonly logger: Logger
  isStopping = false
  private readonly options: ForwarderServiceOptions
  private readonly reporter = new Reporter()
  private readonly forwarder: Forwarder
  private status: Timer | undefined

  constructor(options: ForwarderServiceOptions) {
    const { reader, clock, timers, connect, send, onFailure } = options
    this.options = options
    this.logger = loggerTo(send)
    this.forwarder = new Forwarder({
      reader,
      reporter: this.reporter,
      clock,
      timers,
      logger: this.logger,
      connect: connect(this.logger),
      onFailure,
    })
  }

  start(): void {
    const { data, timers } = this.options
    this.status = timers.every(STATUS_EVERY_MS, () => this.sendStatus())
    this.forwarder.start(data.upstreams, data.maxAgeMs)
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
        await this.forwarder.restart(message.upstreams, message.maxAgeMs)
        return this.sendStatus()
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

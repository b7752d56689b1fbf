import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { EdgeError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { siblingModule } from '../../platform/module-url.ts'
import {
  markClean,
  openFailure,
  openStore,
  requestCheck,
  type OpenedStore,
  type OpenStoreOptions,
} from '../open-store.ts'
import { StoreLock } from '../store-lock.ts'
import type { Batch } from './batch.ts'
import { MessageLog } from './message-log.ts'
import type { StoreLimits } from './retention.ts'
import type { FromWriter, ToWriter, WriterThreadData } from './writer-messages.ts'

export interface LogStoreOptions extends OpenStoreOptions {
  limits: StoreLimits
  whenFull: WriterThreadData['whenFull']
  logger: Logger
  /** A new writer has started: the forwarder talks to it through this port. */
  onWriter: (port: MessagePort) => void
  /** The disk cannot be trusted: the process must end. */
  onFatal: (error: EdgeError) => void
}

/** Words of the shared signal: commits so far. */
const SIGNAL_WORDS = 2
const WRITER_END_MS = 2_000
/** Writers that may end one after the other before the process gives up. */
const MAX_RESTARTS = 10

/** The store as the main thread holds it: the lock, the writer thread and its restarts, the log. */
export class LogStore {
  readonly opened: OpenedStore
  readonly log: MessageLog
  /** Counts commits; `Atomics.waitAsync` on its first word wakes at the next one. */
  readonly signal = new SharedArrayBuffer(SIGNAL_WORDS * 4)
  /** Messages dropped by `drop-newest` since the start. */
  droppedNewest = 0
  private readonly options: LogStoreOptions
  private readonly lock: StoreLock
  private writer: Worker | undefined
  private fullMessage: string | undefined
  private closing: (() => void) | undefined
  private restarts = 0
  private failed = false
  private nextQuestion = 1
  private readonly asked = new Map<number, (alive: boolean) => void>()

  /** Opens, checks and if need be salvages the store. Throws `store-locked`, `store-newer`, `store-unusable`. */
  constructor(options: LogStoreOptions) {
    this.options = options
    this.lock = new StoreLock(options.directory)
    try {
      this.opened = openStore(options)
    } catch (error) {
      this.lock.release()
      throw openFailure(options.directory, error)
    }
    const port = { send: (batch: Batch) => this.post({ type: 'batch', batch }) }
    const { batch, seq, clock } = this.opened
    this.log = new MessageLog(port, clock, { batch, seq }, options.durability)
  }

  /** Starts the writer thread; called again whenever it dies. */
  start(): void {
    const { directory, durability, maxBytes, limits, whenFull } = this.options
    const { port1, port2 } = new MessageChannel()
    const workerData: WriterThreadData = {
      directory,
      durability,
      maxBytes,
      limits,
      whenFull,
      identity: this.opened.identity,
      runningMs: this.opened.clock.runningMs(),
      signal: this.signal,
      forwarder: port1,
    }
    const writer = new Worker(siblingModule(import.meta.url, './writer-thread'), {
      name: 'log-writer',
      workerData,
      transferList: [port1],
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    })
    writer.on('message', (message: FromWriter) => this.receive(message))
    writer.on('error', (error) => this.options.logger.error({ err: error }, 'log writer failed'))
    writer.on('exit', () => this.ended(writer))
    this.writer = writer
    this.options.onWriter(port2)
  }

  /** A port for a forwarder that takes the place of one that died. */
  connectForwarder(): MessagePort {
    const { port1, port2 } = new MessageChannel()
    this.writer?.postMessage({ type: 'forwarder', port: port1 } satisfies ToWriter, [port1])
    return port2
  }

  /** Why nothing can be stored now, or undefined. */
  get full(): string | undefined {
    return this.fullMessage
  }

  /** Resolves to whether the writer answers within `timeoutMs`. */
  async alive(timeoutMs: number): Promise<boolean> {
    const id = this.nextQuestion++
    const answered = new Promise<boolean>((resolve) => this.asked.set(id, resolve))
    this.post({ type: 'alive', id })
    return within(timeoutMs, answered, false)
  }

  /** Keeps something for the next start, without waiting. */
  remember(entry: Extract<ToWriter, { type: 'remember' | 'remember-file' }>): void {
    this.post(entry)
  }

  setLimits(limits: StoreLimits, whenFull: WriterThreadData['whenFull']): void {
    this.options.limits = limits
    this.options.whenFull = whenFull
    this.post({ type: 'limits', limits, whenFull })
  }

  /** Somebody has met bytes that are not what was written: the process must end, and the next start checks everything. */
  reportDamage(what: string): void {
    if (this.failed) return
    this.failed = true
    try {
      requestCheck(this.options.directory)
    } catch (error) {
      this.options.logger.warn({ err: error }, 'a check of the database could not be requested')
    }
    this.options.onFatal(new EdgeError('store-failed', `the database is damaged: ${what}`))
  }

  /** Finishes what waits, marks the end as clean, frees the lock. A store that takes nothing more is left unclean. */
  async close(timeoutMs: number): Promise<void> {
    this.log.close()
    const flushed = await within(
      timeoutMs,
      this.log.flushed().then(() => true),
      false,
    )
    const ended = new Promise<void>((resolve) => {
      this.closing = resolve
    })
    this.post({ type: 'close' })
    if (this.writer !== undefined) await within(WRITER_END_MS, ended, undefined)
    await this.writer?.terminate()
    if (flushed && !this.failed) this.markClean()
    this.lock.release()
  }

  private markClean(): void {
    try {
      markClean(this.options.directory, this.options)
    } catch (error) {
      this.options.logger.warn(
        { err: error },
        'the end of the store could not be marked: the next start draws a new store id',
      )
    }
  }

  private post(message: ToWriter): void {
    this.writer?.postMessage(message)
  }

  private receive(message: FromWriter): void {
    if (typeof message === 'number') {
      this.restarts = 0
      return this.log.committed(message)
    }
    switch (message.type) {
      case 'ready':
        this.log.resend(message.batch)
        break
      case 'full':
        this.fullMessage = message.message
        this.options.logger.error({ code: 'store-full' }, `store is full: ${message.message}`)
        break
      case 'room':
        this.fullMessage = undefined
        this.options.logger.info({}, 'store has room again')
        break
      case 'dropped':
        this.droppedNewest += this.log.dropped(message.batch)
        break
      case 'fatal':
        if (message.corrupt) return this.reportDamage(message.message)
        this.failed = true
        this.options.onFatal(new EdgeError('store-failed', message.message))
        break
      case 'alive':
        this.asked.get(message.id)?.(true)
        this.asked.delete(message.id)
        break
      case 'closed':
        this.closing?.()
        break
    }
  }

  private ended(writer: Worker): void {
    if (this.writer !== writer) return
    for (const answer of this.asked.values()) answer(false)
    this.asked.clear()
    if (this.closing !== undefined) return this.closing()
    if (this.failed) return
    if (++this.restarts > MAX_RESTARTS)
      return this.options.onFatal(
        new EdgeError('store-failed', `the log writer ended ${MAX_RESTARTS} times without having stored anything`),
      )
    this.options.logger.error({ restarts: this.restarts }, 'log writer ended, starting another')
    setTimeout(
      () => {
        try {
          this.start()
        } catch (error) {
          this.options.onFatal(new EdgeError('store-failed', `no log writer: ${messageOf(error)}`, { cause: error }))
        }
      },
      Math.min(1_000, 50 * this.restarts),
    )
  }
}

async function within<Value>(ms: number, work: Promise<Value>, otherwise: Value): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Value>((resolve) => {
    timer = setTimeout(resolve, ms, otherwise)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

import type { MessagePort } from 'node:worker_threads'
import { EdgeError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { settledWithin, systemTimers, type Timers } from '../../core/timers.ts'
import {
  markClean,
  openFailure,
  openStore,
  requestCheck,
  type OpenedStore,
  type OpenStoreOptions,
} from '../open-store.ts'
import { StoreLock } from '../store-lock.ts'
import type { ContractCacheEntry } from '../tables/contract-cache.ts'
import { MessageLog } from './message-log.ts'
import type { StoreLimits } from './retention.ts'
import type { FromWriter, WhenFull } from './writer-messages.ts'
import { startWriterThread, type StartWriter, type Writer } from './writer-port.ts'

export interface LogStoreOptions extends OpenStoreOptions {
  limits: StoreLimits
  whenFull: WhenFull
  logger: Logger
  /** A new writer has started: the forwarder talks to it through this port. */
  onWriter: (port: MessagePort) => void
  /** The disk cannot be trusted: the process must end. */
  onFatal: (error: EdgeError) => void
  /** Absent: on a thread of its own. */
  startWriter?: StartWriter
  /** Absent: those of the system. */
  timers?: Timers
}

const WRITER_END_MS = 2_000
/** Writers that may end one after the other, without a commit, before the process gives up. */
const MAX_RESTARTS = 10

/** The store as the main thread holds it: the lock, the log, and the writer, which is started again when it ends. */
export class LogStore {
  readonly opened: OpenedStore
  readonly log: MessageLog
  /** One word, which counts commits; `Atomics.waitAsync` on it wakes at the next one. */
  readonly signal = new SharedArrayBuffer(4)
  /** Messages dropped by `drop-newest` since the start. */
  droppedNewest = 0
  private readonly options: LogStoreOptions
  private readonly timers: Timers
  private readonly lock: StoreLock
  private writer: Writer | undefined
  private fullMessage: string | undefined
  private closing: (() => void) | undefined
  private restarts = 0
  private hasFailed = false
  private nextQuestion = 1
  private readonly asked = new Map<number, (isAlive: boolean) => void>()

  /** Opens, checks and if need be salvages the store. Throws `store-locked`, `store-newer`, `store-unusable`. */
  constructor(options: LogStoreOptions) {
    this.options = options
    this.timers = options.timers ?? systemTimers
    this.lock = new StoreLock(options.directory)
    try {
      this.opened = openStore(options)
    } catch (error) {
      this.lock.release()
      throw openFailure(options.directory, error)
    }
    const { batch, seq, clock } = this.opened
    this.log = new MessageLog(
      { send: (next) => this.writer?.post({ type: 'batch', batch: next }) },
      clock,
      { batch, seq },
      options.durability,
    )
  }

  /** Starts the writer. */
  start(): void {
    const { directory, durability, limits, whenFull, startWriter = startWriterThread } = this.options
    const { identity, clock } = this.opened
    const data = { directory, durability, maxBytes: limits.maxBytes, limits, whenFull, identity, signal: this.signal }
    const writer = startWriter(
      { ...data, runningMs: clock.runningMs() },
      {
        onMessage: (message) => this.receive(message),
        onError: (error) => this.options.logger.error({ err: error }, 'log writer failed'),
        onEnd: () => this.ended(writer),
      },
    )
    this.writer = writer
    this.options.onWriter(writer.connectForwarder())
  }

  /** Returns a port for a forwarder that takes the place of one that died. Not before the start. */
  connectForwarder(): MessagePort {
    if (this.writer === undefined) throw new Error('the log writer has not been started')
    return this.writer.connectForwarder()
  }

  /** The reason why nothing can be stored now, or undefined. */
  get full(): string | undefined {
    return this.fullMessage
  }

  /** Resolves to false if the writer does not answer within `timeoutMs`. */
  async alive(timeoutMs: number): Promise<boolean> {
    const id = this.nextQuestion++
    let isAlive = false
    const answered = new Promise<void>((resolve) =>
      this.asked.set(id, (answer) => {
        isAlive = answer
        resolve()
      }),
    )
    this.writer?.post({ type: 'alive', id })
    await settledWithin(this.timers, answered, timeoutMs)
    return isAlive
  }

  /** Stores something for the next start, without waiting. */
  remember(entry: ContractCacheEntry): void {
    this.writer?.post(entry)
  }

  setLimits(limits: StoreLimits, whenFull: WhenFull): void {
    this.options.limits = limits
    this.options.whenFull = whenFull
    this.writer?.post({ type: 'limits', limits, whenFull })
  }

  /** A reader has met bytes that are not as they were written: the process must end, and the next start checks everything. */
  reportDamage(what: string): void {
    if (this.hasFailed) return
    this.hasFailed = true
    try {
      requestCheck(this.options.directory)
    } catch (error) {
      this.options.logger.warn({ err: error }, 'a check of the database could not be requested')
    }
    this.options.onFatal(new EdgeError('store-failed', `the database is damaged: ${what}`))
  }

  /** Commits what waits, marks the end as clean, frees the lock. A store that could not commit everything in time is left unclean. */
  async close(timeoutMs: number): Promise<void> {
    this.log.close()
    let isFlushed = false
    const flushed = this.log.flushed().then(() => {
      isFlushed = true
    })
    await settledWithin(this.timers, flushed, timeoutMs)
    const ended = new Promise<void>((resolve) => {
      this.closing = resolve
    })
    this.writer?.post({ type: 'close' })
    if (this.writer !== undefined) await settledWithin(this.timers, ended, WRITER_END_MS)
    await this.writer?.terminate()
    if (isFlushed && !this.hasFailed) this.markClean()
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

  private receive(message: FromWriter): void {
    if (typeof message === 'number') {
      this.restarts = 0
      return this.log.committed(message)
    }
    switch (message.type) {
      case 'ready':
        // A new writer says itself that the store is full.
        this.fullMessage = undefined
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
        this.hasFailed = true
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

  private ended(writer: Writer): void {
    if (this.writer !== writer) return
    for (const answer of this.asked.values()) answer(false)
    this.asked.clear()
    if (this.closing !== undefined) return this.closing()
    if (this.hasFailed) return
    if (++this.restarts > MAX_RESTARTS)
      return this.options.onFatal(
        new EdgeError('store-failed', `the log writer ended ${MAX_RESTARTS} times without having stored anything`),
      )
    this.options.logger.error({ restarts: this.restarts }, 'log writer ended, starting another')
    this.timers.after(Math.min(1_000, 50 * this.restarts), () => this.restart())
  }

  private restart(): void {
    try {
      this.start()
    } catch (error) {
      this.options.onFatal(new EdgeError('store-failed', `no log writer: ${messageOf(error)}`, { cause: error }))
    }
  }
}

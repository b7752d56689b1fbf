import { rmSync } from 'node:fs'
import type { MessagePort } from 'node:worker_threads'
import type { EdgeError } from '../../../daemon/core/errors.ts'
import { silentLogger } from '../../../daemon/core/logger.ts'
import { FakeTime, systemTimers, type Timers } from '../../../daemon/core/timers.ts'
import { openReadable, openWritable } from '../../../daemon/store/connection.ts'
import { LogReader } from '../../../daemon/store/log/log-reader.ts'
import { LogStore } from '../../../daemon/store/log/log-store.ts'
import type { StoreLimits } from '../../../daemon/store/log/retention.ts'
import { writerInProcess } from '../../../daemon/store/log/writer-in-process.ts'
import type { ToForwarder } from '../../../daemon/store/log/writer-messages.ts'
import { startWriterThread, type StartWriter } from '../../../daemon/store/log/writer-port.ts'
import { setClean } from '../../../daemon/store/tables/state.ts'
import { waitUntil } from '../../servers/wait-until.ts'
import { blocksOf, cursorRow, openOptions, quarantineOp, recordInput, settlement, streamOp } from '../store-fixture.ts'
import type { LogSubject, StoredMessage } from './log-suite.ts'

/** The surroundings of a store under test. */
export interface World {
  /** The clock of the main thread. */
  time: FakeTime
  timers: Timers
  startWriter: StartWriter
  until(what: string, holds: () => boolean): Promise<void>
}

/** Everything in one thread and in virtual time. */
export function inProcessWorld(): World {
  const time = new FakeTime()
  return {
    time,
    timers: time,
    startWriter: writerInProcess(time, time),
    async until(what, holds) {
      for (let turn = 0; !holds(); turn++) {
        if (turn > 10_000) throw new Error(`waited in vain until ${what}`)
        await time.pass(turn < 10 ? 0 : 20)
      }
    },
  }
}

/** The writer has its own thread, and the system's time. */
export function threadWorld(): World {
  return {
    time: new FakeTime(),
    timers: systemTimers,
    startWriter: startWriterThread,
    until: (what, holds) => waitUntil(() => what, holds),
  }
}

/** The log as the gateway has it: a `LogStore`, whose writer is started by the world. */
export class StoreLog implements LogSubject {
  private readonly directory: string
  private readonly limits: StoreLimits
  private readonly world: World
  private readonly streams = new Map<string, number>()
  private store: LogStore
  private reader: LogReader
  private port: MessagePort | undefined
  private fatal: EdgeError | undefined
  private reports = 0
  private confirmed = 0

  constructor(directory: string, limits: StoreLimits, world: World) {
    this.directory = directory
    this.limits = limits
    this.world = world
    this.store = this.open()
    this.reader = new LogReader(openReadable(directory))
  }

  get storeId(): string {
    return this.store.opened.messageIdPrefix
  }

  get lastSeq(): number {
    return this.reader.lastSeq()
  }

  async append(destinations: readonly string[], payloads: readonly string[]): Promise<'stored' | 'full'> {
    const key = destinations.join()
    const stream = this.streams.get(key) ?? this.streams.size + 1
    const { log } = this.store
    if (!this.streams.has(key)) log.put(streamOp(stream, [...destinations]))
    let answers = 0
    for (const payload of payloads)
      log.append(stream, recordInput(payload), (error) => {
        if (error === null) answers++
      })
    const isStored = (): boolean => answers === payloads.length
    await this.world.until('messages are stored', () => isStored() || this.store.full !== undefined)
    if (isStored()) {
      this.streams.set(key, stream)
      return 'stored'
    }
    // The process ends instead of waiting for room; messages that are not stored end with it.
    await this.restart(0)
    return 'full'
  }

  async failAppend(destinations: readonly string[], payloads: readonly string[]): Promise<void> {
    const { log } = this.store
    log.put(streamOp(99, [...destinations]))
    for (const payload of payloads) log.append(99, recordInput(payload), () => undefined)
    for (let time = 0; time < 2; time++) log.put(quarantineOp(1))
    await this.world.until('the transaction has failed', () => this.fatal !== undefined)
    await this.restart(0)
  }

  async settle(destination: string, low: number): Promise<void> {
    const number = ++this.reports
    this.port?.postMessage({ type: 'settlement', settlement: settlement(number, cursorRow(destination, low)) })
    await this.world.until('the settlement is durable', () => this.confirmed >= number)
  }

  async crash(): Promise<void> {
    await this.end(10_000)
    const db = openWritable(this.directory, { durability: 'process', maxBytes: this.limits.maxBytes })
    setClean(db, false)
    db.exec('BEGIN')
    for (const block of blocksOf(1, 1_000_000, ['never acknowledged']))
      db.prepare('INSERT INTO blocks VALUES (?, ?, 0, 1, 1, 1, 1, ?, 0, ?)').run(
        block.firstSeq,
        block.lastSeq,
        block.length,
        Buffer.from(block.buffer, 0, block.length),
      )
    db.close()
    this.begin()
  }

  reopen(): Promise<void> {
    return this.restart(10_000)
  }

  async expire(): Promise<void> {
    this.world.time.advance(3_600_000)
    // A commit deletes no more than a part of the history, and none where the last one was just now.
    for (let commit = 0; commit < 6; commit++) {
      this.world.time.advance(100)
      let isDone = false
      this.store.log.put({ type: 'retain-delete', topic: 't' }, () => (isDone = true))
      await this.world.until('an operation is durable', () => isDone)
    }
  }

  low(destination: string): number {
    return this.reader.cursors().find((row) => row.destination === destination)?.low ?? 0
  }

  unsettled(destination: string): StoredMessage[] {
    const low = this.low(destination)
    const streams = this.reader.streams().filter((row) => row.destinations.includes(destination))
    const ids = new Set(streams.map((row) => row.id))
    return this.read((stream) => ids.has(stream)).filter((message) => message.seq >= low)
  }

  everything(): StoredMessage[] {
    return this.read(() => true)
  }

  async close(): Promise<void> {
    await this.end(10_000)
    rmSync(this.directory, { recursive: true })
  }

  private read(wanted: (stream: number) => boolean): StoredMessage[] {
    return this.reader
      .headsAfter(0, 1_000_000)
      .filter((head) => wanted(head.stream))
      .flatMap((head) => this.reader.read(head)?.records ?? [])
      .map((record) => ({ seq: record.seq, payload: record.payload.toString() }))
      .sort((a, b) => a.seq - b.seq)
  }

  private open(): LogStore {
    this.fatal = undefined
    const { time, timers, startWriter } = this.world
    const store = new LogStore({
      ...openOptions(this.directory, { clock: time, maxBytes: this.limits.maxBytes }),
      limits: { ...this.limits },
      whenFull: 'reject',
      logger: silentLogger,
      onWriter: (port) => {
        this.port = port
        port.on('message', (message: ToForwarder) => {
          if (message.type === 'settled') this.confirmed = message.number
        })
        port.unref()
      },
      onFatal: (error) => {
        this.fatal = error
      },
      startWriter,
      timers,
    })
    store.start()
    return store
  }

  private begin(): void {
    this.store = this.open()
    this.reader = new LogReader(openReadable(this.directory))
  }

  private async restart(timeoutMs: number): Promise<void> {
    await this.end(timeoutMs)
    this.begin()
  }

  /** Without time to commit what waits the end is not a clean one. */
  private async end(timeoutMs: number): Promise<void> {
    this.reader.close()
    let hasEnded = false
    const ended = this.store.close(timeoutMs).then(() => {
      hasEnded = true
    })
    await this.world.until('the store has closed', () => hasEnded)
    await ended
  }
}

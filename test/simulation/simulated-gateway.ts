import { copyFileSync, existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EdgeError } from '../../daemon/core/errors.ts'
import type { Logger } from '../../daemon/core/logger.ts'
import type { FakeTime } from '../../daemon/core/timers.ts'
import { ForwarderHandle } from '../../daemon/forward/forwarder-handle.ts'
import type { WriterPort } from '../../daemon/forward/forwarder-messages.ts'
import type { ForwarderPort, StartForwarder } from '../../daemon/forward/forwarder-port.ts'
import { ForwarderService } from '../../daemon/forward/thread/forwarder-service.ts'
import type { ForwarderReader } from '../../daemon/forward/thread/forwarder.ts'
import { inProcessForwarder } from '../../daemon/forward/thread/in-process-forwarder.ts'
import type { UpstreamSettings } from '../../daemon/settings/sections/upstream-common.ts'
import { databaseFile, openReadable } from '../../daemon/store/connection.ts'
import { LogReader } from '../../daemon/store/log/log-reader.ts'
import { LogStore } from '../../daemon/store/log/log-store.ts'
import { writerInProcess } from '../../daemon/store/log/writer-in-process.ts'
import type { StartWriter, Writer } from '../../daemon/store/log/writer-port.ts'
import { NO_HISTORY, openOptions } from '../store/store-fixture.ts'
import { ProcessTimers } from './process-timers.ts'
import type { Random } from './random.ts'
import type { Life, SimulatedServers } from './simulated-servers.ts'

const BALLAST_BYTES = 8 * 1024 ** 2

/** Where a mutation takes the place of a part. Absent: the gateway's own. */
export interface Seams {
  /** The forwarder's side of its connection to the writer. */
  writerPort?: (port: WriterPort) => WriterPort
  startWriter?: (start: StartWriter) => StartWriter
  reader?: (reader: ForwarderReader) => ForwarderReader
}

export interface GatewayParts {
  time: FakeTime
  random: Random
  servers: SimulatedServers
  seams: Seams
  /** What must not happen: the disk given up, an internal error. */
  onFault: (what: string) => void
  maxAgeMs: number | null
}

/** One process of the gateway, as far as it stores and forwards, on the real store and in virtual time. */
export class SimulatedGateway {
  readonly store: LogStore
  readonly handle: ForwarderHandle
  readonly directory: string
  private readonly parts: GatewayParts
  private readonly timers: ProcessTimers
  private readonly storeTimers: ProcessTimers
  private upstreams: Record<string, UpstreamSettings>
  private writer: Writer | undefined
  private forwarder: ForwarderPort | undefined
  private service: ForwarderService | undefined

  constructor(directory: string, upstreams: Record<string, UpstreamSettings>, parts: GatewayParts) {
    this.directory = directory
    this.upstreams = upstreams
    this.parts = parts
    this.timers = new ProcessTimers(parts.time)
    this.storeTimers = new ProcessTimers(parts.time, true)
    const logger = this.logger()
    reserveBallast(directory)
    this.store = new LogStore({
      ...openOptions(directory, { clock: parts.time }),
      limits: NO_HISTORY,
      whenFull: 'reject',
      logger,
      onWriter: (port) => this.handle.attachWriter(this.connected(port)),
      onFatal: (error: EdgeError) => parts.onFault(`the store has given up: ${error.message}`),
      startWriter: this.writerStart(),
      timers: this.storeTimers,
    })
    this.handle = new ForwarderHandle({
      data: () => ({
        directory,
        gatewayId: 'gw',
        upstreams: this.upstreams,
        maxAgeMs: parts.maxAgeMs,
        clock: this.store.opened.clock.read(),
        signal: this.store.signal,
      }),
      connectWriter: () => this.connected(this.store.connectForwarder()),
      onCounts: () => undefined,
      logger,
      timers: this.timers,
      clock: parts.time,
      startForwarder: this.forwarderStart(),
    })
    this.store.start()
    this.handle.start()
  }

  configure(upstreams: Record<string, UpstreamSettings>): void {
    this.upstreams = upstreams
    this.handle.configure(upstreams, this.parts.maxAgeMs)
  }

  /** The forwarder's thread ends; the handle starts another. */
  killForwarder(): void {
    this.parts.servers.restarted()
    void this.forwarder?.terminate()
  }

  /** The writer's thread ends; the store starts another. */
  killWriter(): void {
    void this.writer?.terminate()
  }

  /** Ends as kill -9 does; the next process finds the files in `next`, as they were at that moment. */
  async kill(next: string): Promise<void> {
    this.parts.servers.restarted()
    this.timers.end()
    this.storeTimers.end()
    void this.forwarder?.terminate()
    void this.writer?.terminate()
    mkdirSync(next, { recursive: true })
    for (const file of [databaseFile(this.directory), `${databaseFile(this.directory)}-wal`])
      if (existsSync(file)) copyFileSync(file, file.replace(this.directory, next))
    await this.store.close(0)
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** Ends as SIGTERM does. Time has to pass meanwhile. */
  async close(): Promise<void> {
    this.parts.servers.restarted()
    await this.handle.stop(10_000)
    await this.store.close(10_000)
    this.timers.end()
    this.storeTimers.end()
  }

  private connected(port: WriterPort): WriterPort {
    return this.parts.seams.writerPort?.(port) ?? port
  }

  private writerStart(): StartWriter {
    const { time, seams } = this.parts
    const real = writerInProcess(time, this.timers)
    const start = seams.startWriter?.(real) ?? real
    return (data, events) => {
      // On a thread of its own the forwarder waits for the signal of each commit.
      const onMessage: typeof events.onMessage = (message) => {
        events.onMessage(message)
        if (typeof message === 'number') this.service?.wake()
      }
      this.writer = start(data, { ...events, onMessage })
      return this.writer
    }
  }

  private forwarderStart(): StartForwarder {
    const { random, servers, seams } = this.parts
    return (data, events) => {
      const life: Life = { isAlive: true }
      const db = openReadable(this.directory)
      const reader = new LogReader(db, (what) => this.parts.onFault(`the log is damaged: ${what}`))
      const start = inProcessForwarder((options) => {
        this.service = new ForwarderService({
          ...options,
          reader: seams.reader?.(reader) ?? reader,
          clock: this.store.opened.clock,
          timers: this.timers,
          random: random.next,
          connect: () => (upstream) => servers.connect(nameOf(upstream), life),
        })
        return this.service
      })
      const onEnd = (): void => {
        life.isAlive = false
        // A thread would be gone; here its code may run on for a turn.
        setImmediate(() => db.close())
        events.onEnd()
      }
      const port = start(data, { ...events, onEnd })
      this.forwarder = {
        post: (message) => port.post(message),
        terminate() {
          life.isAlive = false
          return port.terminate()
        },
      }
      return this.forwarder
    }
  }

  private logger(): Logger {
    const log = (fields: object, message: string): void => {
      if ('code' in fields && fields.code === 'internal') this.parts.onFault(`internal error: ${message}`)
    }
    return { debug: log, info: log, warn: log, error: log }
  }
}

/** Settings of the file protocol, whose directory names the simulated server. */
export function upstream(name: string, deadlineMs: number): UpstreamSettings & { directory: string } {
  return {
    protocol: 'file',
    directory: name,
    required: true,
    maxBacklogBytes: null,
    holdForMs: 60_000,
    deadlineMs,
    from: 'now',
    retry: { minMs: 100, maxMs: 1_000 },
  }
}

function nameOf(settings: UpstreamSettings): string {
  return (settings as UpstreamSettings & { directory: string }).directory
}

/** A file without bytes of the ballast's size: to fill the real one costs more than the rest of a run. */
function reserveBallast(directory: string): void {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'ballast')
  writeFileSync(file, '')
  truncateSync(file, BALLAST_BYTES)
}

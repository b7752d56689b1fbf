import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { FakeClock } from '../../../daemon/core/clock.ts'
import { temporaryFolder } from '../../servers/temporary-folder.ts'
import { batchOf, blocksOf, cursorRow, MiB, OpenLog, openOptions, settlement, streamOp } from '../store-fixture.ts'
import { logSuite, type LogSubject, type StoredMessage } from './log-suite.ts'
import { MemoryLog } from './memory-log.ts'
import { inProcessWorld, StoreLog, threadWorld } from './store-log.ts'

const folder = temporaryFolder('log-model')
const LIMITS = { maxBytes: 24 * MiB, historyMaxAgeMs: 60_000, historyMaxBytes: 8 * MiB }
let folders = 0

/** The log on the disk, with writer and reader in this thread. */
class DiskLog implements LogSubject {
  private readonly clock = new FakeClock()
  private readonly directory = join(folder.path, `${++folders}`)
  private readonly streams = new Map<string, number>()
  private log = this.open()

  get storeId(): string {
    return this.log.opened.messageIdPrefix
  }

  get lastSeq(): number {
    return this.log.reader.lastSeq()
  }

  append(destinations: readonly string[], payloads: readonly string[]): 'stored' | 'full' {
    const known = this.streams.has(destinations.join())
    const stream = this.stream(destinations)
    const batch = batchOf(
      this.log.writer.committedBatch + 1,
      blocksOf(stream, this.lastSeq + 1, payloads),
      known ? [] : [streamOp(stream, [...destinations])],
    )
    const result = this.log.writer.commit({ ...batch, clock: this.log.opened.clock.read() }, [])
    if (result.status === 'fatal') throw result.error
    if (result.status === 'full' && !known) this.streams.delete(destinations.join())
    return result.status === 'committed' ? 'stored' : 'full'
  }

  failAppend(destinations: readonly string[], payloads: readonly string[]): void {
    const blocks = blocksOf(99, this.lastSeq + 1, payloads)
    const result = this.log.writer.commit(
      batchOf(this.log.writer.committedBatch + 1, [...blocks, ...blocks], [streamOp(99, [...destinations])]),
      [],
    )
    if (result.status === 'committed') throw new Error('a transaction with one number twice was committed')
  }

  settle(destination: string, low: number): void {
    const result = this.log.writer.commit(null, [settlement(1, cursorRow(destination, low))])
    if (result.status !== 'committed') throw result.error
  }

  crash(): void {
    this.log.db.exec('BEGIN')
    for (const block of blocksOf(1, this.lastSeq + 1, ['never acknowledged'])) {
      this.log.db
        .prepare('INSERT INTO blocks VALUES (?, ?, 0, 1, 1, 1, 1, ?, 0, ?)')
        .run(block.firstSeq, block.lastSeq, block.length, Buffer.from(block.buffer, 0, block.length))
    }
    this.log.abandon()
    this.log = this.open()
  }

  reopen(): void {
    this.log.close()
    this.log = this.open()
  }

  expire(): void {
    this.clock.advance(3_600_000)
    const result = this.log.writer.sweep(this.log.opened.clock.runningMs())
    if (result.status === 'fatal') throw result.error
  }

  low(destination: string): number {
    return this.log.reader.cursors().find((row) => row.destination === destination)?.low ?? 0
  }

  unsettled(destination: string): StoredMessage[] {
    const low = this.low(destination)
    const streams = new Set(
      this.log.reader
        .streams()
        .filter((row) => row.destinations.includes(destination))
        .map((row) => row.id),
    )
    return this.read((stream) => streams.has(stream)).filter((message) => message.seq >= low)
  }

  everything(): StoredMessage[] {
    return this.read(() => true)
  }

  close(): void {
    this.log.abandon()
    rmSync(this.directory, { recursive: true })
  }

  private read(wanted: (stream: number) => boolean): StoredMessage[] {
    const { reader } = this.log
    const blocks = reader
      .headsAfter(0, 1_000_000)
      .filter((head) => wanted(head.stream))
      .map((head) => reader.read(head))
    return blocks
      .flatMap(
        (block) => block?.records.map((record) => ({ seq: record.seq, payload: record.payload.toString() })) ?? [],
      )
      .sort((a, b) => a.seq - b.seq)
  }

  private stream(destinations: readonly string[]): number {
    const key = destinations.join()
    const id = this.streams.get(key) ?? this.streams.size + 1
    this.streams.set(key, id)
    return id
  }

  private open(): OpenLog {
    return new OpenLog(openOptions(this.directory, { clock: this.clock, maxBytes: LIMITS.maxBytes }), LIMITS)
  }
}

afterAll(() => folder.remove())
logSuite('log in memory', () => new MemoryLog())
logSuite('log writer', () => new DiskLog())
for (const { name, share, make } of [
  { name: 'store with its writer in this process', share: 0.1, make: inProcessWorld },
  { name: 'store with its writer on a thread', share: 0.025, make: threadWorld },
])
  logSuite(name, () => new StoreLog(join(folder.path, `${++folders}`), LIMITS, make()), share)

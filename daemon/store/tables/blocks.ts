import type Database from 'better-sqlite3'
import type { Batch, Block } from '../log/batch.ts'
import { decodeBlock, sealRecords } from '../log/record.ts'
import { Pages } from '../salvage/pages.ts'
import { columnsInBoth, readableByNumber, type CopyReport, type DamagedSource } from '../salvage/readable-rows.ts'
import { rowsOfPages } from '../salvage/rows-of-pages.ts'
import { LIMIT } from '../sqlite.ts'
import type { Table } from './table.ts'

/** Written into every block: epoch and boot in which its messages were accepted. */
export interface WriterIdentity {
  epoch: number
  boot: number
}

/** A block without its body. Its id is its first sequence number. */
export interface BlockHead {
  id: number
  last_seq: number
  batch: number
  stream: number
  epoch: number
  boot: number
  count: number
  length: number
  running_ms: number
}

export const blocks: Table = {
  salvage: { blocks: { rows: 'own', read: readSoundBlocks } },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE blocks (
    id INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, batch INTEGER NOT NULL, stream INTEGER NOT NULL, epoch INTEGER NOT NULL,
    boot INTEGER NOT NULL, count INTEGER NOT NULL, length INTEGER NOT NULL, running_ms REAL NOT NULL, body BLOB NOT NULL);
  CREATE INDEX blocks_by_stream ON blocks (stream);`,
    },
  ],
}

export class BlockWriter {
  private readonly identity: WriterIdentity
  private readonly insertBlock: Database.Statement

  constructor(db: Database.Database, identity: WriterIdentity) {
    this.identity = identity
    this.insertBlock = db.prepare(
      'INSERT INTO blocks (id, last_seq, batch, stream, epoch, boot, count, length, running_ms, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
  }

  /** Seals the records of the block and writes it. */
  insert(batch: Batch, block: Block): void {
    const body = Buffer.from(block.buffer, 0, block.length)
    sealRecords(body)
    const { epoch, boot } = this.identity
    this.insertBlock.run(
      block.firstSeq,
      block.lastSeq,
      batch.number,
      block.stream,
      epoch,
      boot,
      block.count,
      block.length,
      batch.clock.runningMs,
      body,
    )
  }
}

/** Reads blocks. Errors of damaged pages are thrown. */
export class BlockReader {
  private readonly db: Database.Database
  private readonly heads: Database.Statement<[number, number], BlockHead>
  private readonly bodyOf: Database.Statement<[number], { body: Buffer }>
  private readonly oldest: Database.Statement<[number, number, number, number], number>

  constructor(db: Database.Database) {
    this.db = db
    const columns = 'id, last_seq, batch, stream, epoch, boot, count, length, running_ms'
    this.heads = db.prepare(`SELECT ${columns} FROM blocks WHERE id > ? ORDER BY id ${LIMIT}`)
    this.bodyOf = db.prepare('SELECT body FROM blocks WHERE id = ?')
    // Begins at the last block that does not lie behind `seq`, so that history before it is not read.
    this.oldest = db
      .prepare<[number, number, number, number], number>(
        `SELECT running_ms FROM blocks WHERE stream = ? AND id >= coalesce((SELECT max(id) FROM blocks WHERE stream = ? AND id <= ?), 0)
         AND last_seq >= ? ORDER BY id LIMIT 1`,
      )
      .pluck()
  }

  headsAfter(id: number, limit: number): BlockHead[] {
    return this.heads.all(id, limit)
  }

  /** The same row by row: those before a damaged page come before the error. */
  eachHeadAfter(id: number, limit: number): IterableIterator<BlockHead> {
    return this.heads.iterate(id, limit)
  }

  body(id: number): Buffer | undefined {
    return this.bodyOf.get(id)?.body
  }

  /** The last block of the batch before the one that holds `seq`, or 0: blocks of one batch interleave. */
  lastOfBatchBefore(seq: number): number {
    const before = this.db
      .prepare<[number, number], number>(
        `SELECT id FROM blocks WHERE id <= ? AND batch <> (SELECT batch FROM blocks WHERE id <= ? ORDER BY id DESC LIMIT 1)
         ORDER BY id DESC LIMIT 1`,
      )
      .pluck()
    return before.get(seq, seq) ?? 0
  }

  /** Running time of the oldest block of a stream that ends at `seq` or later. */
  oldestFrom(stream: number, seq: number): number | undefined {
    return this.oldest.get(stream, stream, seq, seq)
  }

  /** Totals of the blocks that are in the log, over a set of streams. */
  present(streams: readonly number[]): { first: number | undefined; messages: number; bytes: number } {
    const marks = streams.map(() => '?').join(', ')
    // The index has none of the counts, and may be damaged where the blocks are not.
    const row = this.db
      .prepare<number[], { first: number | null; messages: number | null; bytes: number | null }>(
        `SELECT min(id) AS first, sum(count) AS messages, sum(length) AS bytes FROM blocks NOT INDEXED WHERE stream IN (${marks})`,
      )
      .get(...streams)
    return { first: row?.first ?? undefined, messages: row?.messages ?? 0, bytes: row?.bytes ?? 0 }
  }
}

function* readSoundBlocks(source: DamagedSource, target: Database.Database): Generator<Record<string, unknown>> {
  const { report } = source
  const columns = columnsInBoth(source, target, 'blocks')
  const lostBefore = report.lostRows
  if (columns !== '') yield* soundBlocks(readableByNumber(source, 'blocks', columns, 'id'), report)
  if (columns === '' || report.lostRows > lostBefore) yield* soundBlocks(strayBlocks(source, target), report)
}

/** Blocks with their sound records only: what stays out now is not found damaged again at every start. */
function* soundBlocks(rows: Iterable<Record<string, unknown>>, report: CopyReport): Generator<Record<string, unknown>> {
  for (const row of rows) {
    const { id, last_seq: lastSeq, body } = row
    if (!Buffer.isBuffer(body)) continue
    const { records, damagedBytes } = decodeBlock(body)
    if (damagedBytes > 0) report.lostRows++
    const sound = records.filter((record) => record.seq >= Number(id) && record.seq <= Number(lastSeq))
    if (sound.length === 0) continue
    report.messages += sound.length
    const kept =
      sound.length === records.length && damagedBytes === 0
        ? body
        : Buffer.concat(sound.map((record) => body.subarray(record.start, record.end)))
    yield { ...row, body: kept, count: sound.length, length: kept.length }
  }
}

/** Blocks that SQLite does not find any more, in the order of their pages. */
function* strayBlocks(source: DamagedSource, target: Database.Database): Generator<Record<string, unknown>> {
  const columns = target.prepare<[], string>("SELECT name FROM pragma_table_info('blocks')").pluck().all()
  const isKnown = target.prepare<[number]>('SELECT 1 FROM blocks WHERE id = ?')
  const pages = new Pages(source.db.name)
  try {
    for (const row of rowsOfPages(pages, columns)) if (isKnown.get(Number(row['id'])) === undefined) yield row
  } finally {
    pages.close()
  }
}

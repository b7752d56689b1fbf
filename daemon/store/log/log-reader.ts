import type Database from 'better-sqlite3'
import { messageOf } from '../../core/errors.ts'
import { LIMIT } from '../bound-limit.ts'
import { isCorrupt } from '../sqlite-codes.ts'
import { readCursors } from '../tables/cursors.ts'
import type { CursorRow, StreamRow } from './batch.ts'
import { readLogEnd, WRITTEN_SQL, type Written } from './log-end.ts'
import { readStreams } from './op-applier.ts'
import { decodeBlock, type RecordView } from './record.ts'

/** A block without its body. */
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

export interface ReadBlock {
  head: BlockHead
  records: RecordView[]
  damagedBytes: number
}

/** A page of the database, or bytes of a block, are not what was written. The next start should check all of it: `requestCheck`. */
export type OnDamage = (what: string) => void

/**
 * What the forwarder reads of the log, over a connection of its own. No statement stays open between two calls. Damage is
 * reported and stepped over as far as it can be; what is read is always what was written.
 */
export class LogReader {
  private readonly db: Database.Database
  private readonly onDamage: OnDamage
  private readonly moment: Database.Transaction<(read: () => unknown) => unknown>
  private readonly heads: Database.Statement<[number, number], BlockHead>
  private readonly body: Database.Statement<[number], { body: Buffer }>
  private readonly writtenTo: Database.Statement<[number, number, number], Written>
  private readonly planBody: Database.Statement<[number], { body: string }>
  private readonly epoch: Database.Statement<[number], { store_id: string; gateway: string }>
  private readonly boot: Database.Statement<[number], { offset: number | null }>

  constructor(db: Database.Database, onDamage: OnDamage = () => undefined) {
    this.db = db
    this.onDamage = onDamage
    this.moment = db.transaction((read) => read())
    const columns = 'id, last_seq, batch, stream, epoch, boot, count, length, running_ms'
    this.heads = db.prepare(`SELECT ${columns} FROM blocks WHERE id > ? ORDER BY id ${LIMIT}`)
    this.body = db.prepare('SELECT body FROM blocks WHERE id = ?')
    this.writtenTo = db.prepare(WRITTEN_SQL)
    this.planBody = db.prepare('SELECT body FROM plans WHERE id = ?')
    this.epoch = db.prepare('SELECT store_id, gateway FROM epochs WHERE id = ?')
    this.boot = db.prepare('SELECT wall_minus_running_ms AS offset FROM boots WHERE id = ?')
  }

  /** What `read` reads is of one moment, whatever is committed meanwhile. Short and synchronous: an open snapshot holds back the WAL. */
  snapshot<Value>(read: () => Value): Value {
    return this.moment.deferred(read) as Value
  }

  /** Blocks behind `afterId`, oldest first. Ends before a page that cannot be read. */
  headsAfter(afterId: number, limit: number): BlockHead[] {
    try {
      return this.heads.all(afterId, limit)
    } catch (error) {
      if (!isCorrupt(error)) throw error
    }
    // Row by row, which takes longer, up to the damage.
    const heads: BlockHead[] = []
    return this.reporting('blocks', heads, () => {
      for (const head of this.heads.iterate(afterId, limit)) heads.push(head)
      return heads
    })
  }

  /** The id behind which reading has to start so that no message from `seq` on is missed. */
  positionBefore(seq: number): number {
    // Blocks of one batch interleave: all of them have to be read again.
    const before = this.db
      .prepare<[number, number], number>(
        `SELECT id FROM blocks WHERE id <= ? AND batch <> (SELECT batch FROM blocks WHERE id <= ? ORDER BY id DESC LIMIT 1)
         ORDER BY id DESC LIMIT 1`,
      )
      .pluck()
    return this.reporting('blocks', 0, () => before.get(seq, seq) ?? 0)
  }

  /** The records of a block that can be read, or undefined if it is gone. */
  read(head: BlockHead): ReadBlock | undefined {
    const unreadable = { head, records: [], damagedBytes: head.length }
    return this.reporting(`block ${head.id}`, unreadable, () => {
      const row = this.body.get(head.id)
      if (row === undefined) return undefined
      const block = { head, ...decodeBlock(row.body) }
      if (block.damagedBytes > 0) this.onDamage(`block ${head.id}: ${block.damagedBytes} bytes fail their checksum`)
      return block
    })
  }

  plan(id: number): string | undefined {
    return this.reporting(`plan ${id}`, undefined, () => this.planBody.get(id)?.body)
  }

  /** `<gateway id>:<store id>:` of an epoch. */
  messageIdPrefix(epoch: number): string {
    const row = this.reporting(`epoch ${epoch}`, undefined, () => this.epoch.get(epoch))
    return row === undefined ? `unknown:epoch-${epoch}:` : `${row.gateway}:${row.store_id}:`
  }

  /** Before the sequence number in the ids of all messages that this store has ever given out. */
  messageIdPrefixes(): string[] {
    const rows = this.reporting('epochs', [], () =>
      this.db.prepare<[], { store_id: string; gateway: string }>('SELECT store_id, gateway FROM epochs').all(),
    )
    return rows.map((row) => `${row.gateway}:${row.store_id}:`)
  }

  /** Wall minus running time of a boot whose clock has been synchronised, else undefined. */
  wallOffset(boot: number): number | undefined {
    return this.reporting(`boot ${boot}`, undefined, () => this.boot.get(boot)?.offset ?? undefined)
  }

  streams(): StreamRow[] {
    return this.reporting('streams', [], () => readStreams(this.db))
  }

  cursors(): CursorRow[] {
    return this.reporting('cursors', [], () => readCursors(this.db))
  }

  /** The highest sequence number that is durable; 0 where it cannot be read. */
  lastSeq(): number {
    return this.reporting('end of the log', 0, () => readLogEnd(this.db)?.seq ?? 0)
  }

  /** Messages and bytes ever written to a set of streams. */
  written(streams: readonly number[]): Written {
    let messages = 0
    let bytes = 0
    for (const id of streams) {
      const row = this.reporting(`blocks of stream ${id}`, undefined, () => this.writtenTo.get(id, id, id))
      messages += row?.messages ?? 0
      bytes += row?.bytes ?? 0
    }
    return { messages, bytes }
  }

  /** What of a set of streams is still in the log. Where that cannot be read it may begin with the log. */
  present(streams: readonly number[]): { first: number | undefined; messages: number; bytes: number } {
    const marks = streams.map(() => '?').join(', ')
    const unreadable = { first: 1, messages: 0, bytes: 0 }
    return this.reporting('blocks', unreadable, () => {
      // The index has none of the counts, and may be damaged where the blocks are not.
      const row = this.db
        .prepare<number[], { first: number | null; messages: number | null; bytes: number | null }>(
          `SELECT min(id) AS first, sum(count) AS messages, sum(length) AS bytes FROM blocks NOT INDEXED WHERE stream IN (${marks})`,
        )
        .get(...streams)
      return { first: row?.first ?? undefined, messages: row?.messages ?? 0, bytes: row?.bytes ?? 0 }
    })
  }

  /** Held messages of a destination, oldest first. */
  held(destination: string, route: string | undefined, limit: number): HeldRow[] {
    const where = route === undefined ? '' : 'AND route = ?'
    const values = route === undefined ? [destination, limit] : [destination, route, limit]
    const statement = this.db.prepare<(string | number)[], HeldRow>(
      `SELECT seq, lane, route, epoch, boot, since_running_ms AS sinceRunningMs, record FROM held WHERE destination = ? ${where} ORDER BY seq LIMIT ?`,
    )
    return this.reporting('held', [], () => statement.all(...values))
  }

  /** How many messages of a destination are held on each route. */
  heldRoutes(destination: string): { route: string; count: number }[] {
    const statement = this.db.prepare<[string], { route: string; count: number }>(
      'SELECT route, count(*) AS count FROM held WHERE destination = ? GROUP BY route',
    )
    return this.reporting('held', [], () => statement.all(destination))
  }

  close(): void {
    this.db.close()
  }

  private reporting<Value>(what: string, otherwise: NoInfer<Value>, read: () => Value): Value {
    try {
      return read()
    } catch (error) {
      if (!isCorrupt(error)) throw error
      this.onDamage(`${what}: ${messageOf(error)}`)
      return otherwise
    }
  }
}

export interface HeldRow {
  seq: number
  lane: string
  route: string
  epoch: number
  boot: number
  sinceRunningMs: number
  record: Buffer
}

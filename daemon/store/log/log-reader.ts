import type Database from 'better-sqlite3'
import { messageOf } from '../../core/errors.ts'
import { isCorrupt } from '../sqlite.ts'
import { BlockReader, type BlockHead } from '../tables/blocks.ts'
import { prepareWallOffset } from '../tables/boots.ts'
import { readCursors, type CursorRow } from '../tables/cursors.ts'
import { EpochReader } from '../tables/epochs.ts'
import { countHeld, prepareIsHeld, readHeld, readHeldBefore, readLastHeld, type HeldRow } from '../tables/held.ts'
import { preparePlanBody } from '../tables/plans.ts'
import { readStreams, type StreamRow } from '../tables/streams.ts'
import { prepareWritten, readLogEnd, type Written } from './log-end.ts'
import { decodeBlock, type RecordView } from './record.ts'

export interface ReadBlock {
  head: BlockHead
  records: RecordView[]
  damagedBytes: number
}

/** Called where a page of the database, or bytes of a block, are not as they were written: the next start should check everything (`requestCheck`). */
export type OnDamage = (what: string) => void

/**
 * Reads the log over a connection of its own, for the forwarder and for history. No statement stays open between two calls. Damage
 * is reported and stepped over as far as possible; every record that is returned is as it was written.
 */
export class LogReader {
  private readonly db: Database.Database
  private readonly onDamage: OnDamage
  private readonly inSnapshot: Database.Transaction<(read: () => unknown) => unknown>
  private readonly blocks: BlockReader
  private readonly epochs: EpochReader
  private readonly writtenTo: Database.Statement<[number, number, number], Written>
  private readonly planBody: Database.Statement<[number], string>
  private readonly bootOffset: Database.Statement<[number], number | null>
  private heldRow: Database.Statement<[string, number, number], number> | undefined

  constructor(db: Database.Database, onDamage: OnDamage = () => undefined) {
    this.db = db
    this.onDamage = onDamage
    this.inSnapshot = db.transaction((read) => read())
    this.blocks = new BlockReader(db)
    this.epochs = new EpochReader(db)
    this.writtenTo = prepareWritten(db)
    this.planBody = preparePlanBody(db)
    this.bootOffset = prepareWallOffset(db)
  }

  /** Runs `read` on one snapshot of the database. It must be short and synchronous: an open snapshot holds back the WAL. */
  snapshot<Value>(read: () => Value): Value {
    return this.inSnapshot.deferred(read) as Value
  }

  /** Blocks behind `afterId`, oldest first. Ends before a page that cannot be read. */
  headsAfter(afterId: number, limit: number): BlockHead[] {
    try {
      return this.blocks.headsAfter(afterId, limit)
    } catch (error) {
      if (!isCorrupt(error)) throw error
    }
    // Row by row, which takes longer, up to the damage.
    const heads: BlockHead[] = []
    return this.reporting('blocks', heads, () => {
      for (const head of this.blocks.eachHeadAfter(afterId, limit)) heads.push(head)
      return heads
    })
  }

  /** The id behind which reading has to start so that no message from `seq` on is missed. */
  positionBefore(seq: number): number {
    return this.reporting('blocks', 0, () => this.blocks.lastOfBatchBefore(seq))
  }

  /** The readable records of a block, or undefined if it was deleted. */
  read(head: BlockHead): ReadBlock | undefined {
    const unreadable = { head, records: [], damagedBytes: head.length }
    return this.reporting(`block ${head.id}`, unreadable, () => {
      const body = this.blocks.body(head.id)
      if (body === undefined) return undefined
      const block = { head, ...decodeBlock(body) }
      if (block.damagedBytes > 0) this.onDamage(`block ${head.id}: ${block.damagedBytes} bytes fail their checksum`)
      return block
    })
  }

  plan(id: number): string | undefined {
    return this.reporting(`plan ${id}`, undefined, () => this.planBody.get(id))
  }

  /** `<gateway id>:<store id>:` of an epoch. */
  messageIdPrefix(epoch: number): string {
    const prefix = this.reporting(`epoch ${epoch}`, undefined, () => this.epochs.messageIdPrefix(epoch))
    return prefix ?? `unknown:epoch-${epoch}:`
  }

  /** The prefixes of all message ids that this store has ever given out. */
  messageIdPrefixes(): string[] {
    return this.reporting('epochs', [], () => this.epochs.messageIdPrefixes())
  }

  /** Wall minus running time of a boot; undefined while its wall clock was never synchronised. */
  wallOffset(boot: number): number | undefined {
    return this.reporting(`boot ${boot}`, undefined, () => this.bootOffset.get(boot) ?? undefined)
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

  /** First block and totals of a set of streams. Where that cannot be read it may begin with the log. */
  present(streams: readonly number[]): { first: number | undefined; messages: number; bytes: number } {
    return this.reporting('blocks', { first: 1, messages: 0, bytes: 0 }, () => this.blocks.present(streams))
  }

  /** Running time at which the oldest block with messages from `seq` on was written, of a set of streams. */
  oldestFrom(streams: readonly number[], seq: number): number | undefined {
    const known = streams.flatMap(
      (id) => this.reporting('blocks', undefined, () => this.blocks.oldestFrom(id, seq)) ?? [],
    )
    return known.length === 0 ? undefined : Math.min(...known)
  }

  /** Held messages of a destination, of one route or of all, oldest first. */
  held(destination: string, route: string | undefined, limit: number): HeldRow[] {
    return this.reporting('held', [], () => readHeld(this.db, destination, route, limit))
  }

  /** Deliveries of a destination that have been held since before `sinceMs` of running time. */
  heldBefore(destination: string, sinceMs: number, limit: number): HeldRow[] {
    return this.reporting('held', [], () => readHeldBefore(this.db, destination, sinceMs, limit))
  }

  /** The highest sequence number that a destination holds; 0 where it holds none. */
  lastHeld(destination: string): number {
    return this.reporting('held', 0, () => readLastHeld(this.db, destination))
  }

  isHeld(destination: string, seq: number, target: number): boolean {
    return this.reporting('held', false, () => {
      this.heldRow ??= prepareIsHeld(this.db)
      return this.heldRow.get(destination, seq, target) !== undefined
    })
  }

  /** Number of held messages of a destination by route. */
  heldRoutes(destination: string): { route: string; count: number }[] {
    return this.reporting('held', [], () => countHeld(this.db, destination))
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

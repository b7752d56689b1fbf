import type Database from 'better-sqlite3'
import { LIMIT } from '../sqlite.ts'
import type { Cursors, Settlement } from './cursors.ts'
import type { StreamRow } from './streams.ts'
import type { Table } from './table.ts'

/** `call_states`: calls that wait for their message to be settled. `call_losses`: messages that calls wait for and a destination gave up. */
export const callStates: Table = {
  salvage: {
    call_states: { rows: 'none', why: 'says nothing without the calls' },
    call_losses: { rows: 'none', why: 'says nothing without the calls' },
  },
  migrations: [
    {
      step: 1,
      rank: 2,
      sql: `
  CREATE TABLE call_states (call_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, stream INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX call_states_by_seq ON call_states (seq);`,
    },
    {
      step: 3,
      sql: `
  CREATE INDEX call_states_by_stream ON call_states (stream, seq);
  CREATE TABLE call_losses (
    destination TEXT NOT NULL, lane TEXT NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL, fate TEXT NOT NULL,
    PRIMARY KEY (destination, lane, from_seq)) WITHOUT ROWID;`,
    },
  ],
}

interface PendingCall {
  call_id: string
  seq: number
}

/** Says why a destination does not have a message, by sequence number; `held` is not the end. Undefined: it has it. */
type FateOf = (seq: number) => string | undefined

/** Losses that are stored at most; of older ones the messages read as settled. */
const MAX_LOSSES = 10_000

/**
 * Finds calls that are complete, those whose message every destination has settled, and says how each destination settled it. Looks
 * at one stream after the other, behind its cursors, so that a destination that is down costs nothing and hides nothing.
 */
export class CallStates {
  private readonly streams: ReadonlyMap<number, StreamRow>
  private readonly cursors: Cursors
  private readonly sql: ReturnType<typeof prepare>
  /** For each stream that may have waiting calls the sequence number up to which they have been looked at. */
  private readonly positions = new Map<number, number>()
  /** `positions` must be read from the table first. */
  private isStale = true

  constructor(db: Database.Database, streams: ReadonlyMap<number, StreamRow>, cursors: Cursors) {
    this.streams = streams
    this.cursors = cursors
    this.sql = prepare(db)
  }

  /** False for a message that goes nowhere: its call is complete at once. */
  hasDestinations(stream: number): boolean {
    return this.streams.get(stream)?.destinations.length !== 0
  }

  /** Has a call wait for the message `seq`. Inside a transaction. */
  waitFor(callId: string, seq: number, stream: number): void {
    this.sql.remember.run(callId, seq, stream)
    if (!this.positions.has(stream)) this.positions.set(stream, 0)
  }

  /** Stores the losses of a settlement, and has the streams of a destination looked at again that has released held messages. Inside a transaction. */
  note({ cursor: { destination, lane }, lost, released }: Settlement): void {
    if (this.isStale) this.load()
    if (this.positions.size === 0) return
    for (const { from, to, fate } of lost ?? []) this.sql.lose.run(destination, lane, from, to, fate, from, to)
    if (released.length === 0) return
    for (const stream of this.positions.keys())
      if (this.streams.get(stream)?.destinations.includes(destination) === true) this.positions.set(stream, 0)
  }

  /** Looks at no more than `limit` calls, hands the complete ones to `complete`, and returns how many it looked at. Inside a transaction. */
  completeUpTo(limit: number, complete: (callId: string, response: Record<string, string>) => void): number {
    if (this.isStale) this.load()
    let left = limit
    for (const [stream, position] of this.positions) {
      if (left <= 0) break
      left -= this.completeOfStream(stream, position, left, complete)
    }
    return limit - left
  }

  /** Inside a transaction. */
  forget(callIds: readonly string[]): void {
    for (const id of callIds) this.sql.forget.run(id)
  }

  /** Deletes losses that no call waits for any more. Inside a transaction. */
  trimLosses(): void {
    const oldest = this.sql.oldest.get() ?? Infinity
    if (oldest === Infinity) this.sql.forgetLosses.run(Number.MAX_SAFE_INTEGER)
    else this.sql.forgetLosses.run(oldest)
    this.sql.capLosses.run(MAX_LOSSES)
  }

  rolledBack(): void {
    this.isStale = true
  }

  private load(): void {
    this.isStale = false
    for (const stream of this.sql.waiting.all()) this.positions.set(stream, 0)
  }

  private completeOfStream(
    stream: number,
    position: number,
    limit: number,
    complete: (callId: string, response: Record<string, string>) => void,
  ): number {
    const row = this.streams.get(stream)
    const { destinations = [], lane = 'live' } = row ?? {}
    const lows = destinations.map((one) => this.cursors.get(one, lane)?.low ?? 0)
    const settledBelow = Math.min(Number.MAX_SAFE_INTEGER, ...lows)
    if (position >= settledBelow - 1) return 0
    const calls = this.sql.pending.all(stream, position, settledBelow, limit)
    const last = calls.at(-1)
    const isThrough = calls.length < limit && lows.length > 0
    this.positions.set(stream, isThrough ? settledBelow - 1 : (last?.seq ?? position))
    const first = calls[0]
    if (first === undefined || last === undefined) return 0
    const fates = destinations.map((name) => [name, this.fatesOf(name, lane, first.seq, last.seq)] as const)
    for (const { call_id: id, seq } of calls) {
      const response = fates.map(([name, fate]) => [name, fate(seq) ?? 'settled'] as const)
      if (response.some(([, fate]) => fate === 'held')) continue
      complete(id, Object.fromEntries(response))
      this.sql.forget.run(id)
    }
    return calls.length
  }

  /** Reads the fates of a destination's messages from `first` to `last`. */
  private fatesOf(destination: string, lane: string, first: number, last: number): FateOf {
    const letters = new Map(this.sql.letters.all(destination, first, last).map(({ seq, code }) => [seq, code]))
    const held = new Set(this.sql.held.all(destination, first, last))
    const losses = this.sql.losses.all(destination, lane, last, first)
    return (seq) => {
      const code = letters.get(seq)
      if (code !== undefined) return `dead-lettered: ${code}`
      if (held.has(seq)) return 'held'
      return losses.find((one) => seq >= one.from_seq && seq <= one.to_seq)?.fate
    }
  }
}

function prepare(db: Database.Database) {
  return {
    remember: db.prepare('INSERT INTO call_states (call_id, seq, stream) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'),
    forget: db.prepare('DELETE FROM call_states WHERE call_id = ?'),
    waiting: db.prepare<[], number>('SELECT DISTINCT stream FROM call_states').pluck(),
    oldest: db.prepare<[], number | null>('SELECT min(seq) FROM call_states').pluck(),
    pending: db.prepare<[number, number, number, number], PendingCall>(
      `SELECT call_id, seq FROM call_states WHERE stream = ? AND seq > ? AND seq < ? ORDER BY seq ${LIMIT}`,
    ),
    letters: db.prepare<[string, number, number], { seq: number; code: string }>(
      'SELECT seq, code FROM dead_letters WHERE destination = ? AND seq BETWEEN ? AND ?',
    ),
    held: db
      .prepare<[string, number, number], number>('SELECT seq FROM held WHERE destination = ? AND seq BETWEEN ? AND ?')
      .pluck(),
    lose: db.prepare(
      `INSERT INTO call_losses (destination, lane, from_seq, to_seq, fate)
        SELECT ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM call_states WHERE seq BETWEEN ? AND ?) ON CONFLICT DO NOTHING`,
    ),
    losses: db.prepare<[string, string, number, number], { from_seq: number; to_seq: number; fate: string }>(
      'SELECT from_seq, to_seq, fate FROM call_losses WHERE destination = ? AND lane = ? AND from_seq <= ? AND to_seq >= ?',
    ),
    forgetLosses: db.prepare('DELETE FROM call_losses WHERE to_seq < ?'),
    capLosses: db.prepare(
      `DELETE FROM call_losses WHERE (destination, lane, from_seq) IN
        (SELECT destination, lane, from_seq FROM call_losses ORDER BY to_seq DESC LIMIT -1 OFFSET ?)`,
    ),
  }
}

import type Database from 'better-sqlite3'
import { LIMIT } from '../bound-limit.ts'
import type { Settlement, StreamRow } from '../log/batch.ts'
import type { Cursors } from './cursors.ts'

interface PendingCall {
  call_id: string
  seq: number
}

/** What has become of the messages that one destination does not have, by sequence number: `held` is not the end. */
type Fates = (seq: number) => string | undefined

/** More than this is kept for no call: the oldest are forgotten, and their messages read as settled. */
const MAX_LOSSES = 10_000

/**
 * Which calls are complete: those whose message every destination has settled, with what each has made of it. Looks at one
 * stream after the other, behind its cursors, so that a destination that is down costs nothing and hides nothing.
 */
export class CallSettling {
  private readonly streams: ReadonlyMap<number, StreamRow>
  private readonly cursors: Cursors
  private readonly sql: ReturnType<typeof prepare>
  /** Streams that may have calls which are not complete, and up to where they have been looked at. */
  private readonly positions = new Map<number, number>()
  /** They have to be looked up first. */
  private isStale = true

  constructor(db: Database.Database, streams: ReadonlyMap<number, StreamRow>, cursors: Cursors) {
    this.streams = streams
    this.cursors = cursors
    this.sql = prepare(db)
  }

  /** Whether there is anything to wait for: a message that goes nowhere is complete at once. */
  hasDestinations(stream: number): boolean {
    return this.streams.get(stream)?.destinations.length !== 0
  }

  /** A call waits for the message `seq`. Inside a transaction. */
  add(callId: string, seq: number, stream: number): void {
    this.sql.remember.run(callId, seq, stream)
    if (!this.positions.has(stream)) this.positions.set(stream, 0)
  }

  /** Notes what a destination has given up, and looks again at what it had held. Inside a transaction. */
  noted({ cursor: { destination, lane }, lost, released }: Settlement): void {
    if (this.isStale) this.load()
    if (this.positions.size === 0) return
    for (const { from, to, fate } of lost ?? []) this.sql.lose.run(destination, lane, from, to, fate, from, to)
    if (released.length === 0) return
    for (const stream of this.positions.keys())
      if (this.streams.get(stream)?.destinations.includes(destination) === true) this.positions.set(stream, 0)
  }

  /** Hands at most `limit` complete calls to `complete`; returns how many it has looked at. Inside a transaction. */
  settle(limit: number, complete: (callId: string, response: Record<string, string>) => void): number {
    if (this.isStale) this.load()
    let left = limit
    for (const [stream, position] of this.positions) {
      if (left <= 0) break
      left -= this.settleStream(stream, position, left, complete)
    }
    return limit - left
  }

  /** Forgets calls whose rows are about to go. */
  forget(callIds: readonly string[]): void {
    for (const id of callIds) this.sql.forget.run(id)
  }

  /** Forgets losses that no call waits for any more. Inside a transaction. */
  trim(): void {
    const oldest = this.sql.oldest.get() ?? Infinity
    if (oldest === Infinity) this.sql.forgetLosses.run(Number.MAX_SAFE_INTEGER)
    else this.sql.forgetLosses.run(oldest)
    this.sql.capLosses.run(MAX_LOSSES)
  }

  /** After a rollback. */
  reset(): void {
    this.isStale = true
  }

  private load(): void {
    this.isStale = false
    for (const stream of this.sql.waiting.all()) this.positions.set(stream, 0)
  }

  private settleStream(
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
    const fates = destinations.map((name) => [name, this.fates(name, lane, first.seq, last.seq)] as const)
    for (const { call_id: id, seq } of calls) {
      const response = fates.map(([name, fate]) => [name, fate(seq) ?? 'settled'] as const)
      if (response.some(([, fate]) => fate === 'held')) continue
      complete(id, Object.fromEntries(response))
      this.sql.forget.run(id)
    }
    return calls.length
  }

  /** Of the messages of a destination from `first` to `last`. */
  private fates(destination: string, lane: string, first: number, last: number): Fates {
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

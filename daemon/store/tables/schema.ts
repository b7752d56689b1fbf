/**
 * The database of a gateway. Invariants:
 *
 * - Sequence and batch numbers only go up. The end of the log is what `state` says or, where there are blocks with numbers above
 *   `state.seq`, what the last of them say (`log-end.ts`); the counts of `streams` are those of `state.seq` too.
 * - `blocks` is append-only: a block is written once and deleted whole, when every destination of its stream has settled
 *   every sequence in it and history no longer wants it, or when a named policy has taken it. A crash can lose what was not
 *   committed, and at `durability: process` the last commits of a power cut; never half a block.
 * - Every sequence number belongs to exactly one `epoch`; an epoch is never continued after an unclean end.
 * - `copies` holds plans, streams and epochs once more, on pages of its own: without them no message could be sent on, and a
 *   damaged page may hold all of them.
 * - `cursors` never go back. Held and dead-lettered messages are written in the transaction that settles them.
 */
import type Database from 'better-sqlite3'
import { CALL_TABLES, REGISTRY_TABLES } from './registry-schema.ts'

export const SCHEMA_VERSION = 5
/** `PRAGMA application_id`: "SFEd". */
export const APPLICATION_ID = 0x53464564

/** Additive steps; step n brings a database of version n to version n + 1. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1), batch INTEGER NOT NULL, seq INTEGER NOT NULL, clean INTEGER NOT NULL,
    running_ms REAL NOT NULL, monotonic_ms REAL NOT NULL, wall_ms REAL NOT NULL, synced INTEGER NOT NULL);
  INSERT INTO state VALUES (1, 0, 0, 1, 0, 0, 0, 0);
  CREATE TABLE epochs (id INTEGER PRIMARY KEY AUTOINCREMENT, store_id TEXT NOT NULL, gateway TEXT NOT NULL, machine TEXT NOT NULL, created_at TEXT NOT NULL);
  CREATE TABLE boots (id INTEGER PRIMARY KEY AUTOINCREMENT, boot_id TEXT NOT NULL, wall_minus_running_ms REAL);
  CREATE TABLE plans (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
  CREATE TABLE streams (
    id INTEGER PRIMARY KEY, lane TEXT NOT NULL, destinations TEXT NOT NULL,
    messages INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE blocks (
    id INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, batch INTEGER NOT NULL, stream INTEGER NOT NULL, epoch INTEGER NOT NULL,
    boot INTEGER NOT NULL, count INTEGER NOT NULL, length INTEGER NOT NULL, running_ms REAL NOT NULL, body BLOB NOT NULL);
  CREATE INDEX blocks_by_stream ON blocks (stream);
  CREATE TABLE copies (kind TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
  CREATE TABLE cursors (
    destination TEXT NOT NULL, lane TEXT NOT NULL, low INTEGER NOT NULL, ranges TEXT NOT NULL DEFAULT '[]',
    settled INTEGER NOT NULL DEFAULT 0, settled_bytes INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER NOT NULL DEFAULT 0, expired INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (destination, lane)) WITHOUT ROWID;
  CREATE TABLE held (
    destination TEXT NOT NULL, seq INTEGER NOT NULL, lane TEXT NOT NULL, route TEXT NOT NULL, epoch INTEGER NOT NULL, boot INTEGER NOT NULL,
    since_running_ms REAL NOT NULL, record BLOB NOT NULL, PRIMARY KEY (destination, seq)) WITHOUT ROWID;
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL, seq INTEGER NOT NULL, message_id TEXT NOT NULL, topic TEXT NOT NULL,
    address TEXT NOT NULL, client_id TEXT NOT NULL, code TEXT NOT NULL, answer TEXT NOT NULL, headers TEXT NOT NULL, payload BLOB NOT NULL, wall_ms REAL NOT NULL,
    UNIQUE (destination, seq));
  CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, client_id TEXT NOT NULL, payload BLOB NOT NULL, headers TEXT NOT NULL, qos INTEGER NOT NULL,
    code TEXT NOT NULL, errors TEXT NOT NULL, document TEXT NOT NULL, message TEXT NOT NULL, wall_ms REAL NOT NULL);
  CREATE TABLE incoming (client_id TEXT NOT NULL, packet_id INTEGER NOT NULL, PRIMARY KEY (client_id, packet_id)) WITHOUT ROWID;
  CREATE TABLE retained (topic TEXT PRIMARY KEY, payload BLOB NOT NULL, qos INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE contracts (hash TEXT PRIMARY KEY, body TEXT NOT NULL, used_at REAL NOT NULL) WITHOUT ROWID;
  CREATE TABLE documents (file TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;
  `,
  REGISTRY_TABLES,
  // The same tables, but the state row may lag behind the blocks: a program that takes it for the end must not open them.
  '',
  CALL_TABLES,
  // Each call that is recorded wrote a page of it, at random: whoever asks for the calls of one channel looks through them.
  'DROP INDEX calls_by_channel;',
]

/** Brings a database to this program's version, each step in a transaction of its own. */
export function migrate(db: Database.Database, steps: readonly string[] = MIGRATIONS): void {
  for (let version = schemaVersion(db); version < steps.length; version++) {
    db.transaction(() => {
      db.exec(steps[version] ?? '')
      db.pragma(`user_version = ${version + 1}`)
    }).exclusive()
  }
}

export function schemaVersion(db: Database.Database): number {
  return Number(db.pragma('user_version', { simple: true }))
}

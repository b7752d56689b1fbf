import type Database from 'better-sqlite3'
import { isCorrupt, isNoRoom } from '../sqlite.ts'
import type { Table } from './table.ts'

/** Written between batches, not with them: losing it costs the next start only time. */
export type ContractCacheEntry =
  | { type: 'remember'; hash: string; body: string; at: number }
  | { type: 'remember-file'; file: string; hash: string }

/** `contracts`: compiled contracts by the hash of their source. `documents`: for each document file the hash of its last good version. */
export const contractCache: Table = {
  salvage: {
    contracts: { rows: 'from-both-ends', key: 'hash' },
    documents: { rows: 'from-both-ends', key: 'file' },
  },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE contracts (hash TEXT PRIMARY KEY, body TEXT NOT NULL, used_at REAL NOT NULL) WITHOUT ROWID;
  CREATE TABLE documents (file TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;`,
    },
  ],
}

/** Writes an entry; a full disk is no failure here. */
export function writeContractCache(db: Database.Database, entry: ContractCacheEntry): void {
  try {
    if (entry.type === 'remember-file')
      db.prepare('INSERT INTO documents (file, hash) VALUES (?, ?) ON CONFLICT DO UPDATE SET hash = excluded.hash').run(
        entry.file,
        entry.hash,
      )
    else
      db.prepare(
        'INSERT INTO contracts (hash, body, used_at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET used_at = excluded.used_at',
      ).run(entry.hash, entry.body, entry.at)
  } catch (error) {
    if (!isNoRoom(error)) throw error
  }
}

/** Reads the cache. An entry on a damaged page reads as missing. */
export class ContractCacheReader {
  private readonly body: Database.Statement<[string], string>
  private readonly hash: Database.Statement<[string], string>

  constructor(db: Database.Database) {
    this.body = db.prepare<[string], string>('SELECT body FROM contracts WHERE hash = ?').pluck()
    this.hash = db.prepare<[string], string>('SELECT hash FROM documents WHERE file = ?').pluck()
  }

  /** The contract that an earlier start compiled from the source with this hash. */
  contract(hash: string): string | undefined {
    return undefinedIfCorrupt(this.body, hash)
  }

  /** The hash of the last good version of a document file. */
  lastGood(file: string): string | undefined {
    return undefinedIfCorrupt(this.hash, file)
  }
}

function undefinedIfCorrupt(statement: Database.Statement<[string], string>, key: string): string | undefined {
  try {
    return statement.get(key)
  } catch (error) {
    if (!isCorrupt(error)) throw error
    return undefined
  }
}

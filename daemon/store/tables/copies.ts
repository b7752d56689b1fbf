import type Database from 'better-sqlite3'
import type { Table } from './table.ts'

type Kind = 'plan' | 'stream' | 'epoch'

/**
 * Plans, streams and epochs once more, on pages of their own: without them no message could be sent on, and a damaged page may
 * hold all of them.
 */
export const copies: Table = {
  salvage: {
    copies: { rows: 'from-both-ends', key: 'kind, id', sound: "kind = 'plan' OR json_valid(body)" },
  },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE copies (kind TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;`,
    },
  ],
  restore: restoreBothWays,
}

export class CopyWriter {
  private readonly insertCopy: Database.Statement<[Kind, number, string]>
  private readonly replaceCopy: Database.Statement<[string, Kind, number]>

  constructor(db: Database.Database) {
    this.insertCopy = db.prepare('INSERT INTO copies (kind, id, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
    this.replaceCopy = db.prepare('UPDATE copies SET body = ? WHERE kind = ? AND id = ?')
  }

  insert(kind: Kind, id: number, body: string): void {
    this.insertCopy.run(kind, id, body)
  }

  replace(kind: Kind, id: number, body: string): void {
    this.replaceCopy.run(body, kind, id)
  }
}

function restoreBothWays(target: Database.Database): void {
  target.exec(`
    INSERT INTO plans (id, body) SELECT id, body FROM copies WHERE kind = 'plan' ON CONFLICT DO NOTHING;
    INSERT INTO streams (id, lane, destinations) SELECT id, body ->> 'lane', body -> 'destinations' FROM copies WHERE kind = 'stream' ON CONFLICT DO NOTHING;
    INSERT INTO epochs (id, store_id, gateway, machine, created_at)
      SELECT id, body ->> 'store_id', body ->> 'gateway', body ->> 'machine', body ->> 'created_at' FROM copies WHERE kind = 'epoch' ON CONFLICT DO NOTHING;
    INSERT INTO copies (kind, id, body) SELECT 'plan', id, body FROM plans WHERE true ON CONFLICT DO NOTHING;
    INSERT INTO copies (kind, id, body) SELECT 'stream', id, json_object('id', id, 'lane', lane, 'destinations', json(destinations)) FROM streams WHERE true ON CONFLICT DO NOTHING;
    INSERT INTO copies (kind, id, body)
      SELECT 'epoch', id, json_object('store_id', store_id, 'gateway', gateway, 'machine', machine, 'created_at', created_at) FROM epochs WHERE true ON CONFLICT DO NOTHING;
  `)
}

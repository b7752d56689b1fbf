import type Database from 'better-sqlite3'
import type { Table } from './table.ts'

/** Packet ids of QoS 2 messages that were stored and not released yet: a retransmission is not stored again [MQTT-4.3.3-2]. */
export type IncomingOp =
  | { type: 'incoming'; clientId: string; packetId: number }
  | { type: 'incoming-delete'; clientId: string; packetId: number }
  | { type: 'incoming-clear'; clientId: string }

export const incoming: Table = {
  salvage: { incoming: { rows: 'from-both-ends', key: 'client_id, packet_id' } },
  migrations: [
    {
      step: 0,
      sql: `
  CREATE TABLE incoming (client_id TEXT NOT NULL, packet_id INTEGER NOT NULL, PRIMARY KEY (client_id, packet_id)) WITHOUT ROWID;`,
    },
  ],
}

export class IncomingWriter {
  private readonly insertId: Database.Statement<[string, number]>
  private readonly deleteId: Database.Statement<[string, number]>
  private readonly deleteClient: Database.Statement<[string]>

  constructor(db: Database.Database) {
    this.insertId = db.prepare('INSERT INTO incoming (client_id, packet_id) VALUES (?, ?) ON CONFLICT DO NOTHING')
    this.deleteId = db.prepare('DELETE FROM incoming WHERE client_id = ? AND packet_id = ?')
    this.deleteClient = db.prepare('DELETE FROM incoming WHERE client_id = ?')
  }

  apply(op: IncomingOp): void {
    if (op.type === 'incoming') this.insertId.run(op.clientId, op.packetId)
    else if (op.type === 'incoming-delete') this.deleteId.run(op.clientId, op.packetId)
    else this.deleteClient.run(op.clientId)
  }
}

/** Reads the packet ids of every client. */
export function readIncoming(db: Database.Database): Map<string, Set<number>> {
  const byClient = new Map<string, Set<number>>()
  const rows = db.prepare<[], { client_id: string; packet_id: number }>('SELECT client_id, packet_id FROM incoming')
  for (const row of rows.iterate()) {
    const ids = byClient.get(row.client_id) ?? new Set()
    byClient.set(row.client_id, ids.add(row.packet_id))
  }
  return byClient
}

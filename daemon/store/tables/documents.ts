import type Database from 'better-sqlite3'
import { prepareUpsert, type Table } from './table.ts'

interface Stamps {
  status: string
  /** ISO 8601. */
  created_at: string
  updated_at: string
}

export interface TemplateRow extends Stamps {
  id: string
  name: string
  content: string
}

export interface DocumentRow extends Stamps {
  id: string
  template_id: string
  name: string
  version: string
  base_url: string | null
}

export interface ChannelRow extends Stamps {
  id: string
  asyncapi_document_id: string
  channel_name: string
  protocol: string
  description: string | null
  /** JSON, as the two that follow. */
  publish_operations: string | null
  subscribe_operations: string | null
  parameters: string | null
}

export interface DefinitionRow extends Stamps {
  id: string
  channel_id: string
  message_name: string
  message_type: string
  /** JSON, as the one that follows. */
  payload_schema: string | null
  headers_schema: string | null
  description: string | null
}

export interface BrokerRow extends Stamps {
  id: string
  asyncapi_document_id: string
  broker_name: string
  protocol: string
  url: string
  /** JSON. */
  security_scheme: string | null
  description: string | null
}

/** How a document came to be registered; `contract_hash` is its key in the contract cache. */
export interface RegistrationRow {
  document_id: string
  /** Order of registration. */
  serial: number
  mode: 'strict' | 'lenient'
  source: 'api' | 'file'
  file: string | null
  contract_hash: string
  pinned: number
  registered_by: string
}

/** The rows of a version that is in force. */
export interface DocumentRows {
  document: DocumentRow
  channels: ChannelRow[]
  definitions: DefinitionRow[]
  brokers: BrokerRow[]
}

export type DocumentOp =
  | {
      type: 'register'
      registration: { template: TemplateRow; registration: RegistrationRow; active: boolean } & DocumentRows
    }
  /** Puts another version of the name in force. */
  | { type: 'activate'; documentId: string; at: string; rows: DocumentRows }
  | { type: 'unregister'; documentId: string; at: string }
  | { type: 'pin'; documentId: string; pinned: boolean; at: string }

/**
 * The registry: five of the user's six tables, exactly as given, and how each document was registered. Foreign keys are not
 * enforced (the connection has `foreign_keys` off): a call log must never hold up a deletion.
 */
export const documents: Table = {
  salvage: {
    asyncapi_templates: { rows: 'from-both-ends', key: 'id' },
    asyncapi_documents: { rows: 'from-both-ends', key: 'id' },
    message_channels: { rows: 'from-both-ends', key: 'id' },
    message_definitions: { rows: 'from-both-ends', key: 'id' },
    message_brokers: { rows: 'from-both-ends', key: 'id' },
    registrations: { rows: 'from-both-ends', key: 'document_id' },
  },
  migrations: [
    {
      step: 1,
      sql: `
  CREATE TABLE asyncapi_templates (id TEXT PRIMARY KEY, name TEXT NOT NULL, content TEXT NOT NULL, status TEXT DEFAULT 'active', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
  CREATE TABLE asyncapi_documents (id TEXT PRIMARY KEY, template_id TEXT NOT NULL REFERENCES asyncapi_templates(id), name TEXT NOT NULL, version TEXT, base_url TEXT, status TEXT DEFAULT 'active', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
  CREATE TABLE message_channels (id TEXT PRIMARY KEY, asyncapi_document_id TEXT NOT NULL REFERENCES asyncapi_documents(id), channel_name TEXT NOT NULL, protocol TEXT NOT NULL, description TEXT, publish_operations TEXT, subscribe_operations TEXT, parameters TEXT,
    status TEXT DEFAULT 'active', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
  CREATE TABLE message_definitions (id TEXT PRIMARY KEY, channel_id TEXT NOT NULL REFERENCES message_channels(id), message_name TEXT NOT NULL, message_type TEXT NOT NULL, payload_schema TEXT, headers_schema TEXT, description TEXT,
    status TEXT DEFAULT 'active', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
  CREATE TABLE message_brokers (id TEXT PRIMARY KEY, asyncapi_document_id TEXT NOT NULL REFERENCES asyncapi_documents(id), broker_name TEXT NOT NULL, protocol TEXT NOT NULL, url TEXT NOT NULL, security_scheme TEXT, description TEXT,
    status TEXT DEFAULT 'active', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);`,
    },
    {
      step: 1,
      rank: 1,
      sql: `
  CREATE INDEX documents_by_name ON asyncapi_documents (name);
  CREATE INDEX channels_by_document ON message_channels (asyncapi_document_id);
  CREATE INDEX definitions_by_channel ON message_definitions (channel_id);
  CREATE INDEX brokers_by_document ON message_brokers (asyncapi_document_id);`,
    },
    {
      step: 1,
      rank: 2,
      sql: `
  CREATE TABLE registrations (
    document_id TEXT PRIMARY KEY, serial INTEGER NOT NULL, mode TEXT NOT NULL, source TEXT NOT NULL, file TEXT, contract_hash TEXT NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0, registered_by TEXT NOT NULL) WITHOUT ROWID;`,
    },
  ],
}

export class DocumentWriter {
  private readonly sql: ReturnType<typeof prepare>

  constructor(db: Database.Database) {
    this.sql = prepare(db)
  }

  /** Inside a transaction. */
  apply(op: DocumentOp): void {
    const { sql } = this
    switch (op.type) {
      case 'register': {
        const { template, registration, active, ...rows } = op.registration
        sql.template.run(template)
        sql.registration.run(registration)
        if (active) this.putInForce(rows, rows.document.updated_at)
        else sql.document.run({ ...rows.document, status: 'superseded' })
        break
      }
      case 'activate':
        this.putInForce(op.rows, op.at)
        break
      case 'unregister':
        sql.dropChannels.run({ id: op.documentId, at: op.at })
        sql.dropDefinitions.run({ id: op.documentId, at: op.at })
        sql.dropBrokers.run({ id: op.documentId, at: op.at })
        sql.dropDocument.run({ id: op.documentId, at: op.at })
        sql.dropRegistration.run(op.documentId)
        break
      case 'pin':
        sql.pin.run(op.pinned ? 1 : 0, op.documentId)
        break
    }
  }

  /** Channel ids are the same in all versions of a name, so their rows move to this version; those that it no longer has are deleted. */
  private putInForce({ document, channels, definitions, brokers }: DocumentRows, at: string): void {
    const { sql } = this
    sql.supersede.run({ name: document.name, id: document.id, at })
    sql.dropChannelsOfName.run({ name: document.name, at })
    sql.dropDefinitionsOfName.run({ name: document.name, at })
    sql.dropBrokersOfName.run({ name: document.name, at })
    sql.document.run(document)
    for (const row of channels) sql.channel.run(row)
    for (const row of definitions) sql.definition.run(row)
    for (const row of brokers) sql.broker.run(row)
  }
}

function prepare(db: Database.Database) {
  const ofName = 'IN (SELECT id FROM asyncapi_documents WHERE name = @name)'
  const drop = (table: string, where: string) =>
    db.prepare(`UPDATE ${table} SET status = 'deleted', updated_at = @at WHERE status <> 'deleted' AND ${where}`)
  return {
    template: prepareUpsert<TemplateRow>(db, 'asyncapi_templates'),
    document: prepareUpsert<DocumentRow>(db, 'asyncapi_documents'),
    channel: prepareUpsert<ChannelRow>(db, 'message_channels'),
    definition: prepareUpsert<DefinitionRow>(db, 'message_definitions'),
    broker: prepareUpsert<BrokerRow>(db, 'message_brokers'),
    registration: prepareUpsert<RegistrationRow>(db, 'registrations'),
    supersede: db.prepare(
      `UPDATE asyncapi_documents SET status = 'superseded', updated_at = @at WHERE name = @name AND id <> @id AND status = 'active'`,
    ),
    dropChannelsOfName: drop('message_channels', `asyncapi_document_id ${ofName}`),
    dropDefinitionsOfName: drop(
      'message_definitions',
      `channel_id IN (SELECT id FROM message_channels WHERE asyncapi_document_id ${ofName})`,
    ),
    dropBrokersOfName: drop('message_brokers', `asyncapi_document_id ${ofName}`),
    dropChannels: drop('message_channels', 'asyncapi_document_id = @id'),
    dropDefinitions: drop(
      'message_definitions',
      'channel_id IN (SELECT id FROM message_channels WHERE asyncapi_document_id = @id)',
    ),
    dropBrokers: drop('message_brokers', 'asyncapi_document_id = @id'),
    dropDocument: drop('asyncapi_documents', 'id = @id'),
    dropRegistration: db.prepare('DELETE FROM registrations WHERE document_id = ?'),
    pin: db.prepare('UPDATE registrations SET pinned = ? WHERE document_id = ?'),
  }
}

/** A registered version of a document, and how it came to be registered. */
export interface StoredRegistration extends RegistrationRow {
  name: string
  version: string
  base_url: string | null
  template_id: string
  created_at: string
  updated_at: string
}

export class DocumentReader {
  private readonly db: Database.Database
  private readonly content: Database.Statement<[string], string>

  constructor(db: Database.Database) {
    this.db = db
    this.content = db.prepare<[string], string>('SELECT content FROM asyncapi_templates WHERE id = ?').pluck()
  }

  /** Every version that is not deleted, in the order of registration. */
  registrations(): StoredRegistration[] {
    return this.db
      .prepare<[], StoredRegistration>(
        `SELECT r.*, d.name, d.version, d.base_url, d.template_id, d.created_at, d.updated_at
         FROM registrations r JOIN asyncapi_documents d ON d.id = r.document_id ORDER BY r.serial`,
      )
      .all()
  }

  /** The text of a document, as it was registered. */
  template(id: string): string | undefined {
    return this.content.get(id)
  }
}

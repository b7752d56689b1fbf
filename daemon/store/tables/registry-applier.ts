import type Database from 'better-sqlite3'
import type { CallLog } from './call-log.ts'
import type { DocumentRows, RegistryOp } from './registry-rows.ts'

const COLUMNS = {
  asyncapi_templates: ['id', 'name', 'content', 'status', 'created_at', 'updated_at'],
  asyncapi_documents: ['id', 'template_id', 'name', 'version', 'base_url', 'status', 'created_at', 'updated_at'],
  message_channels: [
    'id',
    'asyncapi_document_id',
    'channel_name',
    'protocol',
    'description',
    'publish_operations',
    'subscribe_operations',
    'parameters',
    'status',
    'created_at',
    'updated_at',
  ],
  message_definitions: [
    'id',
    'channel_id',
    'message_name',
    'message_type',
    'payload_schema',
    'headers_schema',
    'description',
    'status',
    'created_at',
    'updated_at',
  ],
  message_brokers: [
    'id',
    'asyncapi_document_id',
    'broker_name',
    'protocol',
    'url',
    'security_scheme',
    'description',
    'status',
    'created_at',
    'updated_at',
  ],
  registrations: ['document_id', 'serial', 'mode', 'source', 'file', 'contract_hash', 'pinned', 'registered_by'],
  subscriptions: [
    'id',
    'channel_id',
    'callback_url',
    'secret',
    'created_at',
    'last_id',
    'delivered',
    'state',
    'reason',
    'failing_since',
  ],
  idempotency: ['identity', 'key', 'body_hash', 'answer', 'wall_ms'],
  statistics: ['step', 'bucket', 'scope', 'key', 'body'],
} as const

/** So far back connections are looked for: what an absence has left behind goes with the rest. */
const CONNECTIONS_TRIMMED_SECONDS = 600

/** Writes the registry's tables, inside the writer's transaction. */
export class RegistryApplier {
  private readonly calls: CallLog
  private readonly sql: ReturnType<typeof prepare>

  constructor(db: Database.Database, calls: CallLog) {
    this.calls = calls
    this.sql = prepare(db)
  }

  apply(op: RegistryOp): void {
    const { sql } = this
    switch (op.type) {
      case 'register': {
        const { template, registration, active, ...rows } = op.registration
        sql.template.run(template)
        sql.registration.run(registration)
        if (active) this.bringInForce(rows, rows.document.updated_at)
        else sql.document.run({ ...rows.document, status: 'superseded' })
        break
      }
      case 'activate':
        this.bringInForce(op.rows, op.at)
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
      case 'call':
        this.calls.add(op.row, op.state)
        break
      case 'subscription':
        sql.subscription.run(op.row)
        break
      case 'subscription-delete':
        sql.dropSubscription.run(op.id)
        break
      case 'idempotency':
        sql.idempotency.run(op.row)
        break
      case 'statistics':
        for (const row of op.rows) sql.statistics.run(row)
        break
      case 'statistics-trim':
        if (op.connections === true)
          sql.trimConnections.run(op.step, op.before - CONNECTIONS_TRIMMED_SECONDS, op.before)
        else sql.trimStatistics.run(op.step, op.before)
        break
    }
  }

  /** The rows of a name's channels move to this version: their ids are the same in all versions. What it no longer has is deleted. */
  private bringInForce({ document, channels, definitions, brokers }: DocumentRows, at: string): void {
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
    template: db.prepare(upsert(db, 'asyncapi_templates')),
    document: db.prepare(upsert(db, 'asyncapi_documents')),
    channel: db.prepare(upsert(db, 'message_channels')),
    definition: db.prepare(upsert(db, 'message_definitions')),
    broker: db.prepare(upsert(db, 'message_brokers')),
    registration: db.prepare(upsert(db, 'registrations')),
    subscription: db.prepare(upsert(db, 'subscriptions')),
    idempotency: db.prepare(upsert(db, 'idempotency')),
    statistics: db.prepare(upsert(db, 'statistics')),
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
    dropSubscription: db.prepare('DELETE FROM subscriptions WHERE id = ?'),
    trimStatistics: db.prepare('DELETE FROM statistics WHERE step = ? AND bucket < ?'),
    trimConnections: db.prepare(
      "DELETE FROM statistics WHERE step = ? AND bucket >= ? AND bucket < ? AND scope NOT IN ('channel', 'total')",
    ),
  }
}

/** A row that is there already is replaced, but for the time at which it was made. */
function upsert(db: Database.Database, table: keyof typeof COLUMNS): string {
  const columns: readonly string[] = COLUMNS[table]
  const keys = db
    .prepare<[string], { name: string; pk: number }>('SELECT name, pk FROM pragma_table_info(?)')
    .all(table)
    .filter((column) => column.pk > 0)
    .map((column) => column.name)
  const kept = new Set([...keys, 'created_at'])
  const changes = columns.filter((column) => !kept.has(column)).map((column) => `${column} = excluded.${column}`)
  const values = columns.map((column) => `@${column}`)
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${values.join(', ')}) ON CONFLICT DO UPDATE SET ${changes.join(', ')}`
}

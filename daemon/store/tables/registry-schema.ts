/**
 * Documents, their channels and the log of calls, as the user gave the six tables, and what is kept beside them. Keys that
 * point to other tables are not enforced (the connection has `foreign_keys` off): a call log must never hold up a deletion.
 */
export const REGISTRY_TABLES = `
  CREATE TABLE asyncapi_templates (id TEXT PRIMARY KEY, name TEXT NOT NULL, content TEXT NOT NULL, status TEXT DEFAULT 'active', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
  CREATE TABLE asyncapi_documents (id TEXT PRIMARY KEY, template_id TEXT NOT NULL REFERENCES asyncapi_templates(id), name TEXT NOT NULL, version TEXT, base_url TEXT, status TEXT DEFAULT 'active', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
  CREATE TABLE message_channels (id TEXT PRIMARY KEY, asyncapi_document_id TEXT NOT NULL REFERENCES asyncapi_documents(id), channel_name TEXT NOT NULL, protocol TEXT NOT NULL, description TEXT, publish_operations TEXT, subscribe_operations TEXT, parameters TEXT,
    status TEXT DEFAULT 'active', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
  CREATE TABLE message_definitions (id TEXT PRIMARY KEY, channel_id TEXT NOT NULL REFERENCES message_channels(id), message_name TEXT NOT NULL, message_type TEXT NOT NULL, payload_schema TEXT, headers_schema TEXT, description TEXT,
    status TEXT DEFAULT 'active', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
  CREATE TABLE message_brokers (id TEXT PRIMARY KEY, asyncapi_document_id TEXT NOT NULL REFERENCES asyncapi_documents(id), broker_name TEXT NOT NULL, protocol TEXT NOT NULL, url TEXT NOT NULL, security_scheme TEXT, description TEXT,
    status TEXT DEFAULT 'active', created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
  CREATE TABLE message_call_logs (id TEXT PRIMARY KEY, channel_id TEXT NOT NULL REFERENCES message_channels(id), message_id TEXT NOT NULL REFERENCES message_definitions(id), operation_type TEXT NOT NULL, payload TEXT, headers TEXT, broker_response TEXT,
    status TEXT NOT NULL, error_message TEXT, response_time_ms INTEGER, created_at TEXT NOT NULL);
  CREATE INDEX documents_by_name ON asyncapi_documents (name);
  CREATE INDEX channels_by_document ON message_channels (asyncapi_document_id);
  CREATE INDEX definitions_by_channel ON message_definitions (channel_id);
  CREATE INDEX brokers_by_document ON message_brokers (asyncapi_document_id);
  CREATE INDEX calls_by_channel ON message_call_logs (channel_id);
  CREATE TABLE registrations (
    document_id TEXT PRIMARY KEY, serial INTEGER NOT NULL, mode TEXT NOT NULL, source TEXT NOT NULL, file TEXT, contract_hash TEXT NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0, registered_by TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE call_states (call_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, stream INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX call_states_by_seq ON call_states (seq);
  CREATE TABLE subscriptions (
    id TEXT PRIMARY KEY, channel_id TEXT NOT NULL, callback_url TEXT NOT NULL, secret TEXT NOT NULL, created_at TEXT NOT NULL, last_id TEXT,
    delivered INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL, reason TEXT, failing_since TEXT) WITHOUT ROWID;
  CREATE TABLE idempotency (
    identity TEXT NOT NULL, key TEXT NOT NULL, body_hash TEXT NOT NULL, answer TEXT NOT NULL, wall_ms REAL NOT NULL, PRIMARY KEY (identity, key)) WITHOUT ROWID;
  CREATE INDEX idempotency_by_time ON idempotency (wall_ms);
  CREATE TABLE statistics (
    step INTEGER NOT NULL, bucket INTEGER NOT NULL, scope TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (step, bucket, scope, key)) WITHOUT ROWID;
`

/** What became of messages that calls wait for, beside cursors and dead letters. */
export const CALL_TABLES = `
  CREATE INDEX call_states_by_stream ON call_states (stream, seq);
  CREATE TABLE call_losses (
    destination TEXT NOT NULL, lane TEXT NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL, fate TEXT NOT NULL,
    PRIMARY KEY (destination, lane, from_seq)) WITHOUT ROWID;
`

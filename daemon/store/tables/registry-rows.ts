/** Rows of the registry's tables, with the names of their columns. */

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
  /** JSON. */
  publish_operations: string | null
  subscribe_operations: string | null
  parameters: string | null
}

export interface DefinitionRow extends Stamps {
  id: string
  channel_id: string
  message_name: string
  message_type: string
  /** JSON. */
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

/** How a document came here; the contract's hash is that of its cache. */
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

/** What a version that is in force has in the tables. */
export interface DocumentRows {
  document: DocumentRow
  channels: ChannelRow[]
  definitions: DefinitionRow[]
  brokers: BrokerRow[]
}

export interface CallRow {
  id: string
  channel_id: string
  message_id: string
  operation_type: 'publish' | 'subscribe'
  payload: string | null
  /** JSON. */
  headers: string | null
  /** JSON: what each destination made of it, once all have settled it. */
  broker_response: string | null
  status: string
  error_message: string | null
  /** Receipt to durable; the writer fills it in. */
  response_time_ms: number | null
  created_at: string
}

/** The message that a call stored. */
export interface CallState {
  seq: number
  stream: number
  receivedRunningMs: number
}

export interface SubscriptionRow {
  id: string
  channel_id: string
  callback_url: string
  secret: string
  created_at: string
  /** message-id of the last message that was delivered. */
  last_id: string | null
  delivered: number
  state: 'active' | 'retrying' | 'disabled'
  reason: string | null
  failing_since: string | null
}

export interface IdempotencyRow {
  identity: string
  key: string
  body_hash: string
  /** JSON. */
  answer: string
  wall_ms: number
}

export interface StatisticsRow {
  /** Seconds that it covers. */
  step: number
  /** Unix seconds of its start. */
  bucket: number
  scope: string
  key: string
  /** JSON. */
  body: string
}

/** Changes of the registry's tables, each within the transaction of its batch. */
export type RegistryOp =
  | {
      type: 'register'
      registration: { template: TemplateRow; registration: RegistrationRow; active: boolean } & DocumentRows
    }
  /** Another version of the name is in force. */
  | { type: 'activate'; documentId: string; at: string; rows: DocumentRows }
  | { type: 'unregister'; documentId: string; at: string }
  | { type: 'pin'; documentId: string; pinned: boolean; at: string }
  | { type: 'call'; row: CallRow; state?: CallState }
  | { type: 'subscription'; row: SubscriptionRow }
  | { type: 'subscription-delete'; id: string }
  | { type: 'idempotency'; row: IdempotencyRow }
  | { type: 'statistics'; rows: StatisticsRow[] }
  /** Rows before this bucket; `connections`: only those that are neither of a channel nor of all. */
  | { type: 'statistics-trim'; step: number; before: number; connections?: true }

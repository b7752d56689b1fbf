import type { Op } from '../../../daemon/store/log/batch.ts'
import type { CallRow } from '../../../daemon/store/tables/calls.ts'
import type { DocumentRows } from '../../../daemon/store/tables/documents.ts'

export const AT = '2026-01-01T00:00:00.000Z'

export function rows(version: string, addresses: readonly string[], at = AT): DocumentRows {
  const stamps = { status: 'active', created_at: at, updated_at: at }
  const id = `document-${version}`
  const channels = addresses.map((address) => ({
    id: `channel-${address}`,
    asyncapi_document_id: id,
    channel_name: address,
    protocol: 'mqtt',
    description: null,
    publish_operations: '[]',
    subscribe_operations: null,
    parameters: '[]',
    ...stamps,
  }))
  const definitions = addresses.map((address) => ({
    id: `message-${address}`,
    channel_id: `channel-${address}`,
    message_name: 'Data',
    message_type: 'publish',
    payload_schema: '{}',
    headers_schema: null,
    description: null,
    ...stamps,
  }))
  const document = { id, template_id: 'template', name: 'meter', version, base_url: null, ...stamps }
  return { document, channels, definitions, brokers: [] }
}

export function registration(version: string, addresses: readonly string[], active = true): Op {
  const template = { id: 'template', name: 'meter', content: 'text', status: 'active', created_at: AT, updated_at: AT }
  return {
    type: 'register',
    registration: {
      template,
      ...rows(version, addresses),
      registration: {
        document_id: `document-${version}`,
        serial: Number(version),
        mode: 'strict',
        source: 'api',
        file: null,
        contract_hash: 'hash',
        pinned: 0,
        registered_by: 'admin',
      },
      active,
    },
  }
}

export function callRow(id: string, channel = 'channel-a'): CallRow {
  return {
    id,
    channel_id: channel,
    message_id: 'message-a',
    operation_type: 'publish',
    payload: '{}',
    headers: null,
    broker_response: null,
    status: 'success',
    error_message: null,
    response_time_ms: null,
    created_at: AT,
  }
}

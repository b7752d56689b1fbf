import type { CallReader, CallRow } from '../store/tables/calls.ts'
import type { Page, PageRequest } from './paging.ts'
import { tablePage } from './table-page.ts'

export interface CallView {
  id: string
  channel_id: string
  message_id: string
  operation_type: string
  payload: unknown
  headers: Readonly<Record<string, string>> | null
  broker_response: unknown
  status: string
  error_message: string | null
  response_time_ms: number | null
  created_at: string
}

export type CallsPort = (
  page: PageRequest & { channel_id?: string; message_id?: string; status?: string },
) => Promise<Page<CallView>>

export function callsPort(reader: CallReader): CallsPort {
  return ({ channel_id, message_id, status, ...request }) =>
    tablePage(
      request,
      { channel_id, message_id, status },
      (query) => reader.page(query),
      (row) => row.rowid,
      callView,
    )
}

function callView(row: CallRow): CallView {
  return {
    id: row.id,
    channel_id: row.channel_id,
    message_id: row.message_id,
    operation_type: row.operation_type,
    payload: row.payload,
    headers: parsed(row.headers) as CallView['headers'],
    broker_response: parsed(row.broker_response),
    status: row.status,
    error_message: row.error_message,
    response_time_ms: row.response_time_ms,
    created_at: row.created_at,
  }
}

function parsed(text: string | null): unknown {
  return text === null ? null : JSON.parse(text)
}

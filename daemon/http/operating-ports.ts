/** What the API's routes for operators ask of the gateway. */
import type { StatisticsReport } from '../telemetry/statistics-view.ts'
import type { Caller } from './api-ports.ts'

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

export interface QueueView {
  destinations: {
    name: string
    queued: number
    queued_bytes: number
    held: number
    oldest_ms: number | null
    delivered: number
    dead_lettered: number
    expired: number
    dropped: number
  }[]
  store: { used_bytes: number; max_bytes: number; full: string | null }
}

export interface StatisticsRequest {
  /** Milliseconds, one minute to seven days. */
  windowMs: number
  channel_id?: string
}

export interface StatisticsPort {
  read(request: StatisticsRequest): Promise<StatisticsReport>
}

export interface LogLevelPort {
  level(): string
  set(level: string, caller: Caller): void
}

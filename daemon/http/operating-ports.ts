/** What the API's routes for operators ask of the gateway. */
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
  read(request: StatisticsRequest): StatisticsView
}

export interface Figures {
  received: number
  valid: number
  rejected: number
  rejectedByReason: Readonly<Record<string, number>>
  forwarded: number
  forwardedByDestination: Readonly<Record<string, number>>
  deadLettered: number
  deadLetteredByDestination: Readonly<Record<string, number>>
  bytes: number
  /** Received messages a second over the window. */
  rate: number
  /** Rejected of received, 0 to 1. */
  errorRate: number
  latency: { durable: Percentiles; confirmed: Percentiles }
}

/** Milliseconds; null where nothing was measured. */
export interface Percentiles {
  p50: number | null
  p95: number | null
  p99: number | null
}

export interface StatisticsView {
  window: string
  from: string
  to: string
  totals: Figures
  channels: ({ channel_id: string; channel_name: string; document: string } & Figures)[]
  connections: ({ type: 'client' | 'sensor' | 'upstream'; name: string } & Figures)[]
  series: {
    /** Seconds of one point. */
    step: number
    points: {
      at: string
      received: number
      valid: number
      rejected: number
      forwarded: number
      deadLettered: number
      bytes: number
      durableP99: number | null
    }[]
  }
}

export interface LogLevelPort {
  level(): string
  set(level: string, caller: Caller): void
}

/** What the web server sees of the rest of the gateway; the composition root fills these in. */
import type { Caller } from './api-ports.ts'

export interface HealthReport {
  /** Listening, and the store takes writes. */
  ready: boolean
  /** Works, but something needs a look: an upstream is down, a document did not load. */
  degraded: boolean
  /** One plain sentence each. */
  reasons: readonly string[]
}

/** `GET /connections/status`, as the contract fixes it; entries may carry more. */
export interface ConnectionsStatus {
  broker: { clients: number } & Readonly<Record<string, unknown>>
  devices: readonly object[]
  upstreams: readonly UpstreamStatus[]
  sensors: readonly object[]
  streams: readonly object[]
}

export interface UpstreamStatus {
  name: string
  protocol: string
  state: string
  /** ISO 8601. */
  since: string | null
  lastError: string | null
}

/** Everything that the live page shows, once a second. */
export interface LiveSnapshot {
  gateway: { id: string; version: string; uptimeMs: number; clockSynced: boolean }
  health: HealthReport
  broker: { clients: number; maxClients?: number }
  /** Messages a second, over the last seconds. */
  rates: { received: number; rejected: number; forwarded: number }
  /** Since the start. */
  totals: { received: number; rejected: number; forwarded: number; deadLettered: number }
  destinations: readonly LiveDestination[]
  sensors: readonly LiveSensor[]
  store: { usedBytes: number; maxBytes: number; messages: number }
}

export interface LiveDestination {
  name: string
  protocol: string
  /** connected, connecting, degraded, disconnected. */
  state: string
  queued: number
  /** How long the oldest queued message has waited; null where nothing waits. */
  oldestMs: number | null
  forwardedPerSecond: number
  lastError: string | null
}

export interface LiveSensor {
  name: string
  type: string
  /** running, waiting, failed. */
  state: string
  lastReadingAt: string | null
  lastError: string | null
}

export interface HttpPorts {
  health(): HealthReport
  connections(): ConnectionsStatus
  /** Prometheus' text format. */
  metrics(): Promise<string>
  live(): LiveSnapshot
  /**
   * May this request be served, and whose is it? Absent: every caller is trusted, as while nothing listens beyond loopback.
   * `/healthz` and `/readyz` answer whatever it says; `/readyz` gives its reasons only to whom it knows.
   */
  authorize?: ((request: AccessRequest) => Promise<AccessVerdict>) | undefined
}

export interface AccessRequest {
  method: string
  /** Without the query, which may hold a ticket. */
  path: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  remoteAddress: string
  needs: AccessNeed
  /** The channel that it is about. Where the body names it, the port is asked before the body is read and again with it. */
  channelId?: string | undefined
  /** Known already, by a ticket: only whether it may is asked. */
  caller?: Caller | undefined
}

/** What a route asks for. */
export type AccessNeed = 'read' | 'publish' | 'admin'

/** Who it is, or why it may not. */
export type AccessVerdict = Caller | 'unauthenticated' | 'forbidden'

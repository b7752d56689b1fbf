import type { MessagePort } from 'node:worker_threads'
import type { LogLevel } from '../core/logger.ts'
import type { UpstreamSettings } from '../settings/sections/upstream-common.ts'
import type { ClockReading } from '../store/log/batch.ts'

export type CircuitState = 'connecting' | 'connected' | 'degraded' | 'disconnected' | 'stopped'

/** One destination as operators see it. Plain data, which crosses threads by cloning. */
export interface DestinationStatus {
  name: string
  protocol: string
  state: CircuitState
  /** Wall time of the last change of state. */
  sinceMs: number
  lastError: { code: string; message: string; hint: string } | null
  queued: number
  queuedBytes: number
  held: number
  oldestMs: number | null
  delivered: number
  deadLettered: number
  expired: number
  dropped: number
  /** Bytes of the log that failed their checksum. */
  damagedBytes: number
  /** Milliseconds from receipt to confirmation, of the last batch. */
  lastLatencyMs: number | null
}

/** Messages of one plan that one destination has settled since the last count. Plain data. */
export interface ForwardedCount {
  destination: string
  channelIds: readonly string[]
  delivered: number
  deadLettered: number
  /** A histogram's JSON: milliseconds from durable to confirmed. */
  latency: number[]
}

/** `workerData` of the forwarder's thread. */
export interface ForwarderThreadData {
  directory: string
  gatewayId: string
  upstreams: Record<string, UpstreamSettings>
  maxAgeMs: number | null
  /** A reading of main's running clock, taken at the start of the thread. */
  clock: ClockReading
  /** Index 0 counts the writer's commits and is notified at each. */
  signal: SharedArrayBuffer
}

/** Main → forwarder. */
export type ToForwarderThread =
  | { type: 'writer'; port: MessagePort }
  | { type: 'settings'; upstreams: Record<string, UpstreamSettings>; maxAgeMs: number | null }
  | { type: 'stop' }

/** Forwarder → main. */
export type FromForwarderThread =
  | { type: 'status'; destinations: DestinationStatus[]; counts: ForwardedCount[] }
  | { type: 'log'; level: LogLevel; fields: Record<string, unknown>; message: string }
  | { type: 'stopped' }

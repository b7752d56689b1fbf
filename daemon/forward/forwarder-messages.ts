import type { LogLevel } from '../core/logger.ts'
import type { UpstreamSettings } from '../settings/sections/upstream-common.ts'
import type { ClockReading } from '../store/log/batch.ts'
import type { FromForwarder, ToForwarder } from '../store/log/writer-messages.ts'

/** `stalled`: connected, and a send has had no answer for 5 s. `degraded`: connected, and a route is held. */
export type CircuitState = 'connecting' | 'connected' | 'stalled' | 'degraded' | 'disconnected' | 'stopped'

/** One destination as operators see it. Plain data, which crosses threads by cloning. */
export interface DestinationStatus {
  name: string
  protocol: string
  state: CircuitState
  /** Wall time of the last change of state. */
  sinceMs: number
  lastError: { code: string; message: string; hint: string } | null
  /** Messages of the log that wait, and deliveries that are held. */
  queued: number
  queuedBytes: number
  held: number
  /** Names of topics or exchanges that are missing or forbidden, at most 20. */
  heldRoutes: string[]
  /** Age of the oldest message that waits, up or down; null where none does. */
  oldestMs: number | null
  /** These count deliveries: a message has one for each of its targets. */
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

/** The part of a port to the writer's thread that is used here. */
export interface WriterPort {
  postMessage(message: FromForwarder): void
  on(event: 'message', listener: (message: ToForwarder) => void): unknown
  close(): void
}

/** Main → forwarder. */
export type ToForwarderThread =
  | { type: 'writer'; port: WriterPort }
  | { type: 'settings'; upstreams: Record<string, UpstreamSettings>; maxAgeMs: number | null }
  /** Dead letters of this destination are to be sent again; their rows are committed. */
  | { type: 'replay'; destination: string }
  /** Gives up all that a destination that is not configured still has; answered by `discarded`. */
  | { type: 'discard'; destination: string; id: number }
  | { type: 'alive'; id: number }
  | { type: 'stop' }

/** Forwarder → main. */
export type FromForwarderThread =
  | { type: 'status'; destinations: DestinationStatus[]; counts: ForwardedCount[] }
  | { type: 'log'; level: LogLevel; fields: Record<string, unknown>; message: string }
  /** `deliveries`: null where the destination is configured, or unknown. */
  | { type: 'discarded'; id: number; deliveries: number | null }
  | { type: 'alive'; id: number }
  | { type: 'stopped' }

import type { MessagePort } from 'node:worker_threads'
import type { UpstreamSettings } from '../settings/upstream-settings.ts'
import type { ClockReading } from '../store/batch.ts'
import type { ForwardedCount } from './forwarded-counts.ts'
import type { DestinationStatus } from './destination-state.ts'

/** What the forwarder thread is started with. */
export interface ForwarderThreadData {
  directory: string
  gatewayId: string
  upstreams: Record<string, UpstreamSettings>
  maxAgeMs: number | null
  /** The running clock of the main thread, read just now. */
  clock: ClockReading
  /** Counts the writer's commits. */
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
  | { type: 'log'; level: 'debug' | 'info' | 'warn' | 'error'; fields: Record<string, unknown>; message: string }
  | { type: 'stopped' }

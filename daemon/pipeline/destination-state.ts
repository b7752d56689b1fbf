import type { EdgeError } from '../core/errors.ts'

export type CircuitState = 'connecting' | 'connected' | 'degraded' | 'disconnected' | 'stopped'

/** One destination as operators see it; crosses threads as it is. */
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

export function describeError(error: EdgeError): DestinationStatus['lastError'] {
  return { code: error.code, message: error.message, hint: error.hint }
}

import { protocolOf } from '../../protocols/registry.ts'
import type { UpstreamSettings } from '../../settings/sections/upstream-common.ts'

/** How one destination is treated, from its settings and those of the store. */
export interface DestinationPolicy {
  maxBatchBytes: number
  /** How long a small batch waits for more messages. */
  lingerMs: number
  holdForMs: number
  retry: { minMs: number; maxMs: number }
  /** Messages older than this have expired; null is never. */
  maxAgeMs: number | null
  /** Its messages are kept when space runs out. */
  required: boolean
  maxBacklogBytes: number | null
}

/** For a destination that is no longer configured: it sends nothing, and is the first to give up messages. */
const REMOVED: DestinationPolicy = {
  maxBatchBytes: 1,
  lingerMs: 0,
  holdForMs: Infinity,
  retry: { minMs: 1, maxMs: 1 },
  maxAgeMs: null,
  required: false,
  maxBacklogBytes: null,
}

export function policyOf(upstream: UpstreamSettings | undefined, maxAgeMs: number | null): DestinationPolicy {
  if (upstream === undefined) return REMOVED
  const { holdForMs, retry, required, maxBacklogBytes } = upstream
  const batch = protocolOf(upstream).batchPolicy(upstream)
  return { ...batch, holdForMs, retry, required, maxBacklogBytes, maxAgeMs }
}

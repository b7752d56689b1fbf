/** How one destination is treated, from its settings. */
export interface DestinationPolicy {
  maxBatchBytes: number
  /** How long a small batch waits for company. */
  lingerMs: number
  deadlineMs: number
  holdForMs: number
  retry: { minMs: number; maxMs: number }
  /** Messages older than this are no longer wanted; null is never. */
  maxAgeMs: number | null
  /** Its messages are kept when space runs out. */
  required: boolean
  maxBacklogBytes: number | null
}

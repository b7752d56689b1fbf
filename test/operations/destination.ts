import type { DestinationStatus } from '../../daemon/forward/forwarder-messages.ts'

/** The status of a healthy destination, with these fields different. */
export function destination(fields: Partial<DestinationStatus> = {}): DestinationStatus {
  return {
    name: 'events',
    protocol: 'kafka',
    state: 'connected',
    sinceMs: 0,
    lastError: null,
    queued: 0,
    queuedBytes: 0,
    held: 0,
    heldRoutes: [],
    oldestMs: null,
    delivered: 0,
    deadLettered: 0,
    expired: 0,
    dropped: 0,
    damagedBytes: 0,
    lastLatencyMs: null,
    ...fields,
  }
}

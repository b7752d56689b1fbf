import type { OperationsSources } from './sources.ts'

/** Answer of `GET /connections/status`; entries may carry further fields. */
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

/** Devices that `GET /connections/status` lists one by one. */
const MAX_DEVICES = 1_000

/** Everything that is connected: devices, upstreams, sensors, readers of streams. */
export function connectionsStatus({
  broker,
  forwarder,
  sensors,
  feed,
}: Pick<OperationsSources, 'broker' | 'forwarder' | 'sensors' | 'feed'>): ConnectionsStatus {
  return {
    broker: { clients: broker.clients, connections: broker.caps.connections, refused: broker.caps.refused },
    devices: broker.clientList(MAX_DEVICES).map(({ clientId, address, sinceMs, transport }) => ({
      name: clientId,
      address,
      transport,
      state: 'connected',
      since: new Date(sinceMs).toISOString(),
    })),
    upstreams: forwarder.destinations.map((one) => ({
      name: one.name,
      protocol: one.protocol,
      state: one.state,
      since: new Date(one.sinceMs).toISOString(),
      lastError: one.lastError?.message ?? null,
      code: one.lastError?.code ?? null,
      hint: one.lastError?.hint ?? null,
      queued: one.queued,
      queuedBytes: one.queuedBytes,
      held: one.held,
      heldRoutes: one.heldRoutes,
      oldestMs: one.oldestMs,
      delivered: one.delivered,
      deadLettered: one.deadLettered,
      expired: one.expired,
      dropped: one.dropped,
      lastLatencyMs: one.lastLatencyMs,
    })),
    sensors: sensors().map((sensor) => ({
      name: sensor.name,
      type: 'simulated',
      state: 'running',
      lastReadingAt: isoOrNull(sensor.lastReadingAtMs),
    })),
    streams: [{ type: 'readers', ...feed.counts }],
  }
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

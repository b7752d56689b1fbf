import { silentLogger } from '../../daemon/core/logger.ts'
import { livePage } from '../../daemon/http/dashboard/live-page.ts'
import { connectionsRoute } from '../../daemon/http/routes/connections-route.ts'
import { healthRoutes } from '../../daemon/http/routes/health-routes.ts'
import { metricsRoute } from '../../daemon/http/routes/metrics-route.ts'
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../daemon/http/server/server.ts'
import type { ConnectionsStatus } from '../../daemon/operations/connections.ts'
import type { HealthReport } from '../../daemon/operations/health.ts'
import type { LiveSnapshot } from '../../daemon/operations/live-figures.ts'
import type { Authorize } from '../../daemon/ports/identity.ts'

/** The ports that the simplest routes need. */
interface HttpPorts {
  health(): HealthReport
  connections(): ConnectionsStatus
  metrics(): Promise<string>
  live(): LiveSnapshot
  authorize?: Authorize | undefined
}

export const LIVE: LiveSnapshot = {
  gateway: { id: 'plant-a-01', version: '0.1.0', uptimeMs: 93_784_000, clockSynced: true },
  health: { ready: true, degraded: true, reasons: ['Upstream bus has been unreachable for 4 min 10 s.'] },
  broker: { clients: 42, maxClients: 10_000 },
  rates: { received: 183.4, rejected: 0.2, forwarded: 183 },
  totals: { received: 12_345_678, rejected: 127, forwarded: 12_340_001, deadLettered: 3 },
  destinations: [
    {
      name: 'events',
      protocol: 'kafka',
      state: 'connected',
      queued: 12,
      oldestMs: 40,
      forwardedPerSecond: 183,
      lastError: null,
    },
    {
      name: 'bus',
      protocol: 'amqp',
      state: 'disconnected',
      queued: 45_120,
      oldestMs: 250_000,
      forwardedPerSecond: 0,
      lastError: 'upstream-unreachable: connect ECONNREFUSED 10.0.0.7:5671',
    },
    {
      name: 'journal',
      protocol: 'file',
      state: 'connected',
      queued: 0,
      oldestMs: null,
      forwardedPerSecond: 183,
      lastError: null,
    },
  ],
  sensors: [
    { name: 'boiler', type: 'serial', state: 'running', lastReadingAt: '2026-11-23T10:00:00.000Z', lastError: null },
    {
      name: '<b>press</b>',
      type: 'modbus',
      state: 'failed',
      lastReadingAt: null,
      lastError: 'EIO: <script>alert(1)</script>',
    },
  ],
  store: { usedBytes: 734_003_200, maxBytes: 2_147_483_648, messages: 45_132 },
}

export const PORTS: HttpPorts = {
  health: () => ({ ready: true, degraded: false, reasons: [] }),
  connections: () => ({ broker: { clients: 1 }, devices: [], upstreams: [], sensors: [], streams: [] }),
  metrics: () => Promise.resolve('stepflow_x 1\n'),
  live: () => LIVE,
}

/** A server with the simplest routes, on ports with fixed answers. */
export function createTestServer(ports: Partial<HttpPorts> = {}, options: Partial<HttpServerOptions> = {}): HttpServer {
  const all = { ...PORTS, ...ports }
  return createHttpServer({
    host: '127.0.0.1',
    port: 0,
    hosts: ['gateway.local'],
    ...(all.authorize === undefined ? {} : { authorize: all.authorize }),
    routes: [healthRoutes(all), metricsRoute(all.metrics), connectionsRoute(all.connections), livePage(all.live)],
    logger: silentLogger,
    ...options,
  })
}

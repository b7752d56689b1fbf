import type { Logger } from './core/logger.ts'
import type { GatewayStatus } from './gateway-status.ts'
import { connectionsRoute } from './http/connections-route.ts'
import { healthRoutes } from './http/health-routes.ts'
import { livePage } from './http/live-page.ts'
import { metricsRoute } from './http/metrics-route.ts'
import { createHttpServer, type HttpServer } from './http/server.ts'
import { isLoopback } from './settings/loopback.ts'
import type { Settings } from './settings/settings.ts'
import { createMetrics } from './telemetry/metrics.ts'

/** Opens the web server over what the gateway tells of itself. Throws `listen-failed`. */
export async function startHttp(
  settings: Settings,
  status: GatewayStatus,
  logger: Logger,
): Promise<{ server: HttpServer; url: string }> {
  const { host, port } = settings.http
  const local = isLoopback(host) && settings.broker.listeners.every((listener) => isLoopback(listener.host))
  const metrics = createMetrics(status.metrics())
  const server = createHttpServer({
    host,
    port,
    hosts: [],
    logger,
    // Beyond loopback everything needs an identity, and there are none yet: only the two health checks answer.
    ...(local ? {} : { authorize: () => Promise.resolve('unauthenticated' as const) }),
    routes: [
      healthRoutes({ health: () => status.health(), showReasons: () => local }),
      metricsRoute(() => metrics.text()),
      connectionsRoute(() => status.connections()),
      livePage(() => status.live()),
    ],
  })
  return { server, url: await server.listen() }
}

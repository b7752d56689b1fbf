import { gatewayAccess } from '../access/api-access.ts'
import { TicketStore } from '../access/ticket-store.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { livePage } from '../http/dashboard/live-page.ts'
import { callsRoute } from '../http/routes/calls-route.ts'
import { channelsRoutes } from '../http/routes/channels-routes.ts'
import { connectionsRoute } from '../http/routes/connections-route.ts'
import { documentsRoutes } from '../http/routes/documents-routes.ts'
import { healthRoutes } from '../http/routes/health-routes.ts'
import { logLevelRoutes } from '../http/routes/log-level-routes.ts'
import { metricsRoute } from '../http/routes/metrics-route.ts'
import { publishRoutes } from '../http/routes/publish-routes.ts'
import { queueRoute } from '../http/routes/queue-route.ts'
import { deadLetterRoutes, quarantineRoutes } from '../http/routes/refused-routes.ts'
import { statisticsRoute } from '../http/routes/statistics-route.ts'
import { subscriptionsRoutes } from '../http/routes/subscriptions-routes.ts'
import { ticketsRoute } from '../http/routes/tickets-route.ts'
import { httpMetrics } from '../http/server/http-metrics.ts'
import { createHttpServer, type HttpServer } from '../http/server/server.ts'
import { StreamRoute } from '../http/streams/stream-route.ts'
import { UpgradeRouter } from '../http/streams/upgrade-router.ts'
import { connectionsStatus } from '../operations/connections.ts'
import { healthReport } from '../operations/health.ts'
import { gatewayMetrics } from '../operations/metrics.ts'
import type { Settings } from '../settings/settings.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { statisticsMetrics } from '../telemetry/statistics/statistics-metrics.ts'
import { statisticsReport } from '../telemetry/statistics/statistics-view.ts'
import type { Rooms } from './rooms.ts'

export interface HttpOptions {
  settings: Settings
  rooms: Rooms
  clock: Clock
  logger: Logger
}

export interface OpenedHttp {
  server: HttpServer
  url: string
  /** The admin key, if this start has made it. */
  freshKey: string | undefined
}

/** Opens the web server over the rooms. Throws `listen-failed`. */
export async function startHttp(options: HttpOptions): Promise<OpenedHttp> {
  const { settings, rooms, clock, logger } = options
  const { api, broker, feed, statistics, sources, figures } = rooms
  const { host, port, hosts, maxConnections, maxStreams, headersTimeoutMs, requestTimeoutMs } = settings.http
  const { local, authorize, freshKey } = gatewayAccess(settings, logger)
  const metrics = createMetrics([
    ...gatewayMetrics(sources),
    ...httpMetrics(() => ({
      ...server.counts,
      cutOff: streams.cutOff,
      streams: streams.count,
      sockets: upgrades.count,
    })),
    ...statisticsMetrics(statistics, () => statisticsReport(statistics, clock, { windowMs: 60_000 })),
  ])
  const tickets = new TicketStore(() => clock.monotonicMs())
  const channel = (id: string): unknown => api.registry.channel(id)
  const streams = new StreamRoute({ feed, channel, maxStreams })
  const upgrades = new UpgradeRouter({
    feed,
    channel,
    publish: (request, caller) => api.publishing.publish(request, caller),
    acceptMqtt: (stream) => broker.accept(stream),
    maxSockets: maxStreams,
    maxPayloadBytes: Math.max(1024 * 1024, settings.broker.maxPacketSizeBytes),
    logger,
  })
  const server: HttpServer = createHttpServer({
    host,
    port,
    hosts,
    limits: { maxConnections, headersTimeoutMs, requestTimeoutMs },
    logger,
    authorize,
    ticket: (ticket, path) => tickets.redeem(ticket, path),
    upgrades,
    routes: [
      healthRoutes({ health: () => healthReport(sources), showReasons: () => local }),
      metricsRoute(() => metrics.text()),
      connectionsRoute(() => connectionsStatus(sources)),
      documentsRoutes(api.registry),
      channelsRoutes(api.registry),
      publishRoutes(api.publishing),
      subscriptionsRoutes(api.subscriptions),
      quarantineRoutes(api.quarantine),
      deadLetterRoutes(api.deadLetters),
      statisticsRoute(api.operating.statistics),
      callsRoute(api.operating.calls),
      queueRoute(api.operating.queue),
      logLevelRoutes(api.operating.logLevel),
      ticketsRoute(tickets, () => clock.wallMs()),
      streams.routes,
      livePage(() => figures.snapshot()),
    ],
  })
  return { server, url: await server.listen(), freshKey }
}

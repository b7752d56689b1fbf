import type { Clock } from './core/clock.ts'
import type { Logger } from './core/logger.ts'
import type { MqttBroker } from './broker/mqtt-broker.ts'
import { gatewayAccess } from './gateway-access.ts'
import type { GatewayApi } from './gateway-api.ts'
import { gatewayMetrics } from './gateway-metrics.ts'
import type { GatewayStatus } from './gateway-status.ts'
import { channelsRoutes } from './http/channels-routes.ts'
import { connectionsRoute } from './http/connections-route.ts'
import { documentsRoutes } from './http/documents-routes.ts'
import { healthRoutes } from './http/health-routes.ts'
import { httpMetrics } from './http/http-metrics.ts'
import { livePage } from './http/live-page.ts'
import { metricsRoute } from './http/metrics-route.ts'
import { operatingRoutes } from './http/operating-routes.ts'
import { publishRoutes } from './http/publish-routes.ts'
import { deadLetterRoutes, quarantineRoutes } from './http/refused-routes.ts'
import { createHttpServer, type HttpServer } from './http/server.ts'
import { StreamRoute } from './http/stream-route.ts'
import { subscriptionsRoutes } from './http/subscriptions-routes.ts'
import { TicketStore } from './http/ticket-store.ts'
import { ticketsRoute } from './http/tickets-route.ts'
import { UpgradeRouter } from './http/upgrade-router.ts'
import type { LiveFeed } from './pipeline/live-feed.ts'
import type { Settings } from './settings/settings.ts'
import { createMetrics } from './telemetry/metrics.ts'
import type { Statistics } from './telemetry/statistics.ts'
import { statisticsMetrics } from './telemetry/statistics-metrics.ts'
import { statisticsReport } from './telemetry/statistics-view.ts'

export interface HttpOptions {
  settings: Settings
  status: GatewayStatus
  api: GatewayApi
  broker: MqttBroker
  feed: LiveFeed
  statistics: Statistics
  clock: Clock
  logger: Logger
}

export interface OpenedHttp {
  server: HttpServer
  url: string
  /** The admin key, if it was made just now. */
  freshKey: string | undefined
}

/** Opens the web server over what the gateway tells of itself. Throws `listen-failed`. */
export async function startHttp(options: HttpOptions): Promise<OpenedHttp> {
  const { settings, status, api, broker, feed, statistics, clock, logger } = options
  const { host, port, hosts, maxConnections, maxStreams, headersTimeoutMs, requestTimeoutMs } = settings.http
  const { local, authorize, freshKey } = gatewayAccess(settings, logger)
  const metrics = createMetrics([
    ...gatewayMetrics(status.options, () => status.storeBytes()),
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
      healthRoutes({ health: () => status.health(), showReasons: () => local }),
      metricsRoute(() => metrics.text()),
      connectionsRoute(() => status.connections()),
      documentsRoutes(api.registry),
      channelsRoutes(api.registry),
      publishRoutes(api.publishing),
      subscriptionsRoutes(api.subscriptions),
      quarantineRoutes(api.quarantine),
      deadLetterRoutes(api.deadLetters),
      operatingRoutes(api.operating),
      ticketsRoute(tickets, () => clock.wallMs()),
      streams.routes,
      livePage(() => status.live()),
    ],
  })
  return { server, url: await server.listen(), freshKey }
}

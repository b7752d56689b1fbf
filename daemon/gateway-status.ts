import { statSync } from 'node:fs'
import type { MqttBroker } from './broker/mqtt-broker.ts'
import type { QueueView } from './http/operating-ports.ts'
import type { ConnectionsStatus, HealthReport, LiveSnapshot } from './http/ports.ts'
import type { LoadedDocuments } from './pipeline/document-loader.ts'
import type { ForwarderHandle } from './pipeline/forwarder-handle.ts'
import type { IngestCounts } from './pipeline/ingest-counts.ts'
import type { LiveFeed } from './pipeline/live-feed.ts'
import type { RetainedTopics } from './pipeline/retained-topics.ts'
import type { SimulatedSensorRunner } from './sensors/simulated-sensor.ts'
import type { Settings } from './settings/settings.ts'
import { databaseFile } from './store/connection.ts'
import type { LogStore } from './store/log-store.ts'
import { version } from './platform/version.ts'

export interface GatewayStatusOptions {
  settings: Settings
  failures: () => LoadedDocuments['failures']
  store: LogStore
  broker: MqttBroker
  forwarder: ForwarderHandle
  counts: IngestCounts
  retained: RetainedTopics
  feed: LiveFeed
  sensors: () => readonly SimulatedSensorRunner[]
}

const SAMPLE_MS = 1_000
/** That are listed one by one. */
const MAX_DEVICES = 1_000

/** What the gateway tells of itself: health, connections, figures. */
export class GatewayStatus {
  /** Every listener is open. */
  listening = false
  readonly options: GatewayStatusOptions
  private readonly startedAt = performance.now()
  private readonly timer: NodeJS.Timeout
  private last = { received: 0, rejected: 0, forwarded: 0, byDestination: new Map<string, number>() }
  private rates = { received: 0, rejected: 0, forwarded: 0, byDestination: new Map<string, number>() }

  constructor(options: GatewayStatusOptions) {
    this.options = options
    this.timer = setInterval(() => this.sample(), SAMPLE_MS).unref()
  }

  stop(): void {
    clearInterval(this.timer)
  }

  update(settings: Settings): void {
    this.options.settings = settings
  }

  health(): HealthReport {
    const { store, forwarder, failures, settings } = this.options
    const reasons: string[] = []
    if (!this.listening) reasons.push('The MQTT listeners are not open yet.')
    if (store.full !== undefined) reasons.push(`The store takes no messages: ${store.full}.`)
    const ready = reasons.length === 0 || (this.listening && settings.store.whenFull !== 'reject')
    for (const { file, errors, kept } of failures())
      reasons.push(
        `${file} did not load (${errors[0]?.code ?? 'unknown'})${kept ? '; its last good version is in force' : ''}.`,
      )
    for (const one of forwarder.destinations) {
      if (one.state === 'disconnected' || one.state === 'degraded')
        reasons.push(`Upstream ${one.name} is ${one.state}: ${one.lastError?.message ?? 'no answer'}.`)
      if (one.damagedBytes > 0) reasons.push(`Upstream ${one.name} met ${one.damagedBytes} damaged bytes in the store.`)
    }
    return { ready, degraded: reasons.length > 0, reasons }
  }

  connections(): ConnectionsStatus {
    const { broker, forwarder, sensors, feed } = this.options
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

  queue(): QueueView {
    const { forwarder, settings, store } = this.options
    return {
      destinations: forwarder.destinations.map((one) => ({
        name: one.name,
        queued: one.queued,
        queued_bytes: one.queuedBytes,
        held: one.held,
        oldest_ms: one.oldestMs,
        delivered: one.delivered,
        dead_lettered: one.deadLettered,
        expired: one.expired,
        dropped: one.dropped,
      })),
      store: { used_bytes: this.storeBytes(), max_bytes: settings.store.maxBytes, full: store.full ?? null },
    }
  }

  live(): LiveSnapshot {
    const { settings, store, broker, forwarder, counts, sensors } = this.options
    const { clock } = store.opened
    return {
      gateway: {
        id: settings.gateway.id,
        version: version(),
        uptimeMs: performance.now() - this.startedAt,
        clockSynced: clock.synced,
      },
      health: this.health(),
      broker: { clients: broker.clients, maxClients: settings.broker.maxConnections },
      rates: { received: this.rates.received, rejected: this.rates.rejected, forwarded: this.rates.forwarded },
      totals: {
        received: counts.received,
        rejected: counts.rejected,
        forwarded: this.forwarded(),
        deadLettered: forwarder.destinations.reduce((sum, one) => sum + one.deadLettered, 0),
      },
      destinations: forwarder.destinations.map((one) => ({
        name: one.name,
        protocol: one.protocol,
        state: one.state,
        queued: one.queued,
        oldestMs: one.oldestMs,
        forwardedPerSecond: this.rates.byDestination.get(one.name) ?? 0,
        lastError: one.lastError?.message ?? null,
      })),
      sensors: sensors().map((sensor) => ({
        name: sensor.name,
        type: 'simulated',
        state: 'running',
        lastReadingAt: isoOrNull(sensor.lastReadingAtMs),
        lastError: null,
      })),
      store: {
        usedBytes: this.storeBytes(),
        maxBytes: settings.store.maxBytes,
        messages: forwarder.destinations.reduce((most, one) => Math.max(most, one.queued), 0),
      },
    }
  }

  /** Database and WAL. */
  storeBytes(): number {
    const file = databaseFile(this.options.settings.store.directory)
    return ['', '-wal'].reduce(
      (sum, suffix) => sum + (statSync(file + suffix, { throwIfNoEntry: false })?.size ?? 0),
      0,
    )
  }

  private forwarded(): number {
    return this.options.forwarder.destinations.reduce((sum, one) => sum + one.delivered, 0)
  }

  private sample(): void {
    const { counts, forwarder } = this.options
    const now = {
      received: counts.received,
      rejected: counts.rejected,
      forwarded: this.forwarded(),
      byDestination: new Map(forwarder.destinations.map((one) => [one.name, one.delivered])),
    }
    const { last } = this
    this.rates = {
      received: now.received - last.received,
      rejected: now.rejected - last.rejected,
      forwarded: now.forwarded - last.forwarded,
      byDestination: new Map(
        [...now.byDestination].map(([name, value]) => [name, value - (last.byDestination.get(name) ?? value)]),
      ),
    }
    this.last = now
  }
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

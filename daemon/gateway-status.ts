import { statSync } from 'node:fs'
import type { MqttBroker } from './broker/mqtt-broker.ts'
import type { ConnectionsStatus, HealthReport, LiveSnapshot } from './http/ports.ts'
import type { LoadedDocuments } from './pipeline/document-loader.ts'
import type { ForwarderHandle } from './pipeline/forwarder-handle.ts'
import type { IngestCounts } from './pipeline/ingest-counts.ts'
import type { RetainedTopics } from './pipeline/retained-topics.ts'
import type { SimulatedSensorRunner } from './sensors/simulated-sensor.ts'
import type { Settings } from './settings/settings.ts'
import { databaseFile } from './store/connection.ts'
import type { LogStore } from './store/log-store.ts'
import type { MetricSource } from './telemetry/metrics.ts'
import { version } from './platform/version.ts'

export interface GatewayStatusOptions {
  settings: Settings
  loaded: LoadedDocuments
  store: LogStore
  broker: MqttBroker
  forwarder: ForwarderHandle
  counts: IngestCounts
  retained: RetainedTopics
  sensors: () => readonly SimulatedSensorRunner[]
}

const SAMPLE_MS = 1_000

/** What the gateway tells of itself: health, connections, figures. */
export class GatewayStatus {
  /** Every listener is open. */
  listening = false
  private readonly options: GatewayStatusOptions
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

  update(settings: Settings, loaded: LoadedDocuments): void {
    this.options.settings = settings
    this.options.loaded = loaded
  }

  health(): HealthReport {
    const { store, forwarder, loaded, settings } = this.options
    const reasons: string[] = []
    if (!this.listening) reasons.push('The MQTT listeners are not open yet.')
    if (store.full !== undefined) reasons.push(`The store takes no messages: ${store.full}.`)
    const ready = reasons.length === 0 || (this.listening && settings.store.whenFull !== 'reject')
    for (const { file, errors } of loaded.failures)
      reasons.push(`${file} did not load (${errors[0]?.code ?? 'unknown'}); its last good version is in force.`)
    for (const one of forwarder.destinations) {
      if (one.state === 'disconnected' || one.state === 'degraded')
        reasons.push(`Upstream ${one.name} is ${one.state}: ${one.lastError?.message ?? 'no answer'}.`)
      if (one.damagedBytes > 0) reasons.push(`Upstream ${one.name} met ${one.damagedBytes} damaged bytes in the store.`)
    }
    return { ready, degraded: reasons.length > 0, reasons }
  }

  connections(): ConnectionsStatus {
    const { broker, forwarder, sensors } = this.options
    return {
      broker: { clients: broker.clients, connections: broker.caps.connections, refused: broker.caps.refused },
      devices: [],
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
      streams: [],
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

  metrics(): MetricSource[] {
    const { counts, broker, forwarder, store, retained } = this.options
    const counter = (name: string, help: string, value: () => number): MetricSource => ({
      name,
      help,
      type: 'counter',
      read: () => [{ value: value() }],
    })
    const gauge = (name: string, help: string, value: () => number): MetricSource => ({
      name,
      help,
      type: 'gauge',
      read: () => [{ value: value() }],
    })
    const perDestination = (
      name: string,
      help: string,
      type: 'counter' | 'gauge',
      pick: (one: ForwarderHandle['destinations'][number]) => number,
    ): MetricSource => ({
      name,
      help,
      type,
      labelNames: ['destination'],
      read: () => forwarder.destinations.map((one) => ({ labels: { destination: one.name }, value: pick(one) })),
    })
    return [
      counter('messages_received_total', 'Messages that devices and sensors have published.', () => counts.received),
      counter('messages_received_bytes_total', 'Bytes of their payloads.', () => counts.receivedBytes),
      counter('messages_stored_total', 'Messages that became durable in the log.', () => counts.stored),
      counter(
        'messages_unavailable_total',
        'Messages that could not be stored and were not acknowledged.',
        () => counts.unavailable,
      ),
      counter(
        'messages_dropped_total',
        'Messages dropped because the store was full.',
        () => counts.droppedWhileFull + store.droppedNewest,
      ),
      counter(
        'messages_wrong_direction_total',
        'Messages of devices on channels that only the application sends on.',
        () => counts.wrongDirection,
      ),
      {
        name: 'messages_rejected_total',
        help: 'Messages refused, by reason.',
        type: 'counter',
        labelNames: ['code'],
        read: () => [...counts.refusedByCode].map(([code, value]) => ({ labels: { code }, value })),
      },
      gauge('mqtt_clients', 'Clients connected.', () => broker.clients),
      counter('mqtt_connections_refused_total', 'Connections refused by the caps.', () => broker.caps.refused),
      counter(
        'mqtt_connections_closed_full_total',
        'Connections closed because the store took nothing.',
        () => broker.closedWhileFull,
      ),
      counter(
        'mqtt_connections_closed_size_total',
        'Connections closed because a packet declared more than maxPacketSize.',
        () => broker.closedForSize,
      ),
      counter(
        'mqtt_retained_refused_total',
        'Messages that were delivered but not retained: there were maxRetained already.',
        () => retained.refused,
      ),
      gauge('store_bytes', 'Bytes of database and WAL.', () => this.storeBytes()),
      gauge('store_full', '1 while the store takes nothing.', () => (store.full === undefined ? 0 : 1)),
      gauge('store_pending_messages', 'Messages that wait for their commit.', () => store.log.pending.messages),
      perDestination(
        'destination_delivered_total',
        'Messages that a destination has confirmed.',
        'counter',
        (one) => one.delivered,
      ),
      perDestination(
        'destination_dead_lettered_total',
        'Messages that a destination refused for good.',
        'counter',
        (one) => one.deadLettered,
      ),
      perDestination('destination_dropped_total', 'Messages given up to make room.', 'counter', (one) => one.dropped),
      perDestination('destination_expired_total', 'Messages that became too old.', 'counter', (one) => one.expired),
      perDestination('destination_queued', 'Messages that wait for a destination.', 'gauge', (one) => one.queued),
      perDestination('destination_up', '1 while the destination is connected.', 'gauge', (one) =>
        one.state === 'connected' ? 1 : 0,
      ),
    ]
  }

  private storeBytes(): number {
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

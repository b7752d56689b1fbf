import type { Timer, Timers } from '../core/timers.ts'
import { version } from '../platform/version.ts'
import { isoOrNull } from './connections.ts'
import { healthReport, type HealthReport } from './health.ts'
import type { OperationsSources } from './sources.ts'
import { storeBytes } from './store-bytes.ts'

/** The figures of the live page, at one moment. */
export interface LiveSnapshot {
  gateway: { id: string; version: string; uptimeMs: number; clockSynced: boolean }
  health: HealthReport
  broker: { clients: number; maxClients?: number }
  /** Messages a second, over the last second. */
  rates: { received: number; rejected: number; forwarded: number }
  /** Since the start. */
  totals: { received: number; rejected: number; forwarded: number; deadLettered: number }
  destinations: readonly LiveDestination[]
  sensors: readonly LiveSensor[]
  store: { usedBytes: number; maxBytes: number; messages: number }
}

export interface LiveDestination {
  name: string
  protocol: string
  /** connected, connecting, degraded, disconnected. */
  state: string
  queued: number
  /** Age of the oldest queued message; null where nothing waits. */
  oldestMs: number | null
  forwardedPerSecond: number
  lastError: string | null
}

export interface LiveSensor {
  name: string
  type: string
  /** running, waiting, failed. */
  state: string
  lastReadingAt: string | null
  lastError: string | null
}

interface Totals {
  received: number
  rejected: number
  forwarded: number
  byDestination: ReadonlyMap<string, number>
}

const SAMPLE_MS = 1_000
const NOTHING: Totals = { received: 0, rejected: 0, forwarded: 0, byDestination: new Map() }

/** The figures of the live page. Rates are the differences of totals that are sampled once a second. */
export class LiveFigures {
  private readonly sources: OperationsSources
  private readonly startedAt = performance.now()
  private readonly timer: Timer
  private last = NOTHING
  private rates = NOTHING

  constructor(sources: OperationsSources, timers: Timers) {
    this.sources = sources
    this.timer = timers.every(SAMPLE_MS, () => this.sample())
  }

  stop(): void {
    this.timer.cancel()
  }

  snapshot(): LiveSnapshot {
    const { store, broker, forwarder, sensors } = this.sources
    const settings = this.sources.settings()
    const totals = this.totals()
    return {
      gateway: {
        id: settings.gateway.id,
        version: version(),
        uptimeMs: performance.now() - this.startedAt,
        clockSynced: store.opened.clock.synced,
      },
      health: healthReport(this.sources),
      broker: { clients: broker.clients, maxClients: settings.broker.maxConnections },
      rates: { received: this.rates.received, rejected: this.rates.rejected, forwarded: this.rates.forwarded },
      totals: {
        received: totals.received,
        rejected: totals.rejected,
        forwarded: totals.forwarded,
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
        usedBytes: storeBytes(settings.store.directory),
        maxBytes: settings.store.maxBytes,
        messages: forwarder.destinations.reduce((most, one) => Math.max(most, one.queued), 0),
      },
    }
  }

  private totals(): Totals {
    const { counts, forwarder } = this.sources
    const byDestination = new Map(forwarder.destinations.map((one) => [one.name, one.delivered]))
    const forwarded = [...byDestination.values()].reduce((sum, delivered) => sum + delivered, 0)
    return { received: counts.received, rejected: counts.rejected, forwarded, byDestination }
  }

  private sample(): void {
    const { last } = this
    const now = this.totals()
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

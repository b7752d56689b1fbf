import { schemaLibraries } from '../asyncapi/schemas/schema-libraries.ts'
import { systemClock, type Clock } from '../core/clock.ts'
import { EdgeError } from '../core/errors.ts'
import { settledWithin, sleep, systemTimers } from '../core/timers.ts'
import { adoptHistory } from '../ingest/adopt-history.ts'
import type { AsyncApiManager } from '../manager/asyncapi-manager.ts'
import { ClockSync } from '../platform/clock-sync.ts'
import { runCommand } from '../platform/run-command.ts'
import { settleHeapWhenQuiet } from '../platform/settle-heap.ts'
import { diffSettings } from '../settings/loading/reload-diff.ts'
import type { Settings } from '../settings/settings.ts'
import { shutOut } from '../settings/shut-out.ts'
import type { ProcessLogger } from '../telemetry/logging/logger.ts'
import { Lifecycle } from './lifecycle.ts'
import { limitsOf } from './room-settings.ts'
import { buildRooms, type Rooms } from './rooms.ts'
import { startSensors } from './start-sensors.ts'

export interface GatewayOptions {
  settings: Settings
  logger: ProcessLogger
  /** The gateway cannot go on: the process has to end and start again. */
  onFatal: (error: EdgeError) => void
  clock?: Clock
}

/** Addresses that were really opened: with port 0 the system chooses. */
export interface GatewayAddresses {
  mqtt: number[]
  http?: string
  /** The admin key, if this start has made it. */
  freshKey?: string | undefined
}

/** Longest wait of the start for the answer whether the clock is synchronised. */
const CLOCK_WAIT_MS = 300
/** Devices that wait for the listeners are answered before modules are loaded, which keeps the thread busy. */
const FIRST_DEVICES_MS = 50
/** Time to end what a failed start has left running. */
const FAILED_START_STOP_MS = 1_000
const HTTP_CLOSE_MS = 1_000
const ALIVE_MS = 5_000

/** One gateway: started once, reloaded any number of times, stopped once. */
export class Gateway {
  addresses: GatewayAddresses = { mqtt: [] }
  private settings: Settings
  /** Rooms keep this object; a reload writes the new values into it. */
  private readonly brokerSettings: Settings['broker']
  private readonly logger: ProcessLogger
  private readonly onFatal: (error: EdgeError) => void
  private readonly clock: Clock
  private readonly lifecycle = new Lifecycle(systemTimers)
  /** Undefined until the start has built them. */
  private rooms: Rooms | undefined

  constructor({ settings, logger, onFatal, clock = systemClock }: GatewayOptions) {
    this.brokerSettings = { ...settings.broker }
    this.settings = { ...settings, broker: this.brokerSettings }
    this.logger = logger
    this.onFatal = onFatal
    this.clock = clock
  }

  /** Resolves when every listener is open; MQTT is the first. Throws EdgeErrors; what was started is stopped again. */
  async start(): Promise<void> {
    try {
      await this.lifecycle.inTurn(() => this.startRooms())
    } catch (error) {
      await this.lifecycle.stop(FAILED_START_STOP_MS)
      throw error
    }
  }

  /** Documents, channels, publishing and subscribing, for programs that embed the gateway. Throws `shutting-down` before the start. */
  get manager(): AsyncApiManager {
    return this.running().api.manager
  }

  /**
   * Applies the settings that can change while running. If anything is wrong, nothing changes; keys that need a restart are refused
   * by name. Reloads run one after the other, and after the start: the one that was asked for last is in force at the end.
   */
  reload(next: Settings): Promise<{ applied: string[] }> {
    return this.lifecycle.inTurn(() => this.apply(next))
  }

  /** Finishes commits and sends in flight, never the backlog. */
  async stop(timeoutMs: number): Promise<void> {
    await this.lifecycle.stop(timeoutMs)
    this.logger.info({}, 'stopped')
  }

  /** A topic that devices may publish on, for a first try. */
  exampleTopic(): string | undefined {
    return this.running().documents.exampleTopic()
  }

  /** Whether event loop, broker, store and forwarder answer; asked by the watchdog. */
  async healthy(): Promise<boolean> {
    const { store, broker, forwarder } = this.running()
    const [isStoreAlive, isForwarderAlive] = await Promise.all([
      store.alive(ALIVE_MS),
      forwarder.alive(ALIVE_MS),
      broker.alive(),
    ])
    return isStoreAlive && isForwarderAlive
  }

  private running(): Rooms {
    if (this.rooms === undefined) throw new EdgeError('shutting-down', 'The gateway is not started.')
    return this.rooms
  }

  private async startRooms(): Promise<void> {
    const { settings, clock, logger, lifecycle, onFatal } = this
    const clockSync = new ClockSync({ clock, run: runCommand })
    lifecycle.onStop(() => clockSync.stop())
    await settledWithin(systemTimers, clockSync.start(), CLOCK_WAIT_MS)
    lifecycle.ensureRunning()
    const rooms = await buildRooms({
      settings: () => this.settings,
      logger,
      onFatal,
      clock,
      clockSynced: clockSync.synced,
      lifecycle,
    })
    this.rooms = rooms
    const { store, broker, forwarder, statistics, counts } = rooms
    clockSync.follow((synced) => this.clockChanged(rooms, synced))
    if (clockSync.synced && !store.opened.clock.synced) this.clockChanged(rooms, true)
    // Ends before the store does, because a change of the clock writes to it.
    lifecycle.onStop(() => clockSync.stop())
    statistics.start()
    await this.adoptHistory()
    lifecycle.ensureRunning()
    this.addresses = { mqtt: await broker.listen() }
    lifecycle.ensureRunning()
    rooms.state.listening = true
    const shut = shutOut(settings.broker)
    if (shut !== undefined) logger.warn({ listeners: settings.broker.listeners.map(({ url }) => url) }, shut)
    // Devices are served from here on. What they do not need is loaded and started behind the first of them.
    await sleep(systemTimers, FIRST_DEVICES_MS)
    lifecycle.ensureRunning()
    forwarder.start()
    lifecycle.onStop(() => Promise.all(rooms.sensors.map((sensor) => sensor.stop())))
    await startSensors(settings, rooms, lifecycle)
    lifecycle.ensureRunning()
    if (settings.http.enabled) {
      const { startHttp } = await import('./build-http.ts')
      const opened = await startHttp({ settings, rooms, clock, logger })
      lifecycle.onStop((timeoutMs) => opened.server.close(Math.min(HTTP_CLOSE_MS, timeoutMs)))
      this.addresses = { ...this.addresses, http: opened.url, freshKey: opened.freshKey }
      lifecycle.ensureRunning()
    }
    // Before a message needs it.
    schemaLibraries()
    settleHeapWhenQuiet(() => counts.received + broker.clients)
  }

  private async apply(next: Settings): Promise<{ applied: string[] }> {
    const { documents, forwarder, store, calls, api } = this.running()
    const { live, restart } = diffSettings(this.settings, next)
    if (restart.length > 0)
      throw new EdgeError('config-restart', `these settings are read at start only: ${restart.join(', ')}`)
    await documents.reload(next)
    this.lifecycle.ensureRunning()
    Object.assign(this.brokerSettings, next.broker)
    this.settings = next
    // Before anything is written: there may be room only under the new limits.
    store.setLimits(limitsOf(next), next.store.whenFull)
    await this.adoptHistory()
    if (live.includes('upstreams') || live.includes('store.maxAge'))
      forwarder.configure(next.upstreams, next.store.maxAgeMs)
    calls.configure(next.callLog)
    api.update(next)
    return { applied: live }
  }

  private adoptHistory(): Promise<void> {
    const { settings, logger } = this
    const { store, book, inForce, logReader: reader } = this.running()
    return adoptHistory({ settings, reader, log: store.log, book, catalogue: inForce.catalogue, logger })
  }

  private clockChanged({ store }: Rooms, synced: boolean): void {
    const { clock } = store.opened
    clock.synced = synced
    if (synced) store.log.put({ type: 'clock-offset', wallMinusRunningMs: clock.wallMs() - clock.runningMs() })
    this.logger.info({ synced }, synced ? 'the clock is synchronised' : 'the clock is not synchronised')
  }
}

import { EdgeError } from './core/errors.ts'
import { systemClock, type Clock } from './core/clock.ts'
import { MqttBroker } from './broker/mqtt-broker.ts'
import type { HttpServer } from './http/server.ts'
import { startHttp } from './gateway-http.ts'
import { GatewayStatus } from './gateway-status.ts'
import { Catalogue } from './pipeline/catalogue.ts'
import { loadDocuments, type DocumentCache, type LoadedDocuments } from './pipeline/document-loader.ts'
import { ForwarderHandle } from './pipeline/forwarder-handle.ts'
import { Ingest } from './pipeline/ingest.ts'
import { IngestCounts } from './pipeline/ingest-counts.ts'
import { Judge } from './pipeline/judge.ts'
import { RetainedTopics } from './pipeline/retained-topics.ts'
import { PlanBook } from './pipeline/plan-book.ts'
import { readBootId } from './platform/boot-id.ts'
import { ClockSync } from './platform/clock-sync.ts'
import { readMachineId } from './platform/machine-id.ts'
import { runCommand } from './platform/run-command.ts'
import { SimulatedSensorRunner } from './sensors/simulated-sensor.ts'
import { expandDocuments } from './settings/expand-documents.ts'
import { diffSettings } from './settings/reload-diff.ts'
import type { Settings } from './settings/settings.ts'
import { LogStore } from './store/log-store.ts'
import { readContract, readLastGood, readStartState } from './store/start-state.ts'
import type { ProcessLogger } from './telemetry/logger.ts'

export interface GatewayOptions {
  settings: Settings
  logger: ProcessLogger
  /** The gateway cannot go on: the process has to end and start again. */
  onFatal: (error: EdgeError) => void
  clock?: Clock
}

/** Documents of files could not be loaded, and there is no earlier version of them. */
export class DocumentErrors extends EdgeError {
  readonly errors: readonly EdgeError[]

  constructor(errors: readonly EdgeError[]) {
    super(errors[0]?.code ?? 'document-invalid', errors[0]?.message ?? 'documents could not be loaded')
    this.errors = errors
  }
}

/** Builds the rooms, starts them in order, stops them in reverse. */
export class Gateway {
  readonly counts = new IngestCounts()
  private settings: Settings
  private readonly options: GatewayOptions
  private readonly clockSync: ClockSync
  private store!: LogStore
  private forwarder!: ForwarderHandle
  private broker!: MqttBroker
  private ingest!: Ingest
  private book!: PlanBook
  private cache!: DocumentCache
  private status!: GatewayStatus
  private http: HttpServer | undefined
  private sensors: SimulatedSensorRunner[] = []
  private loaded: LoadedDocuments = { documents: [], failures: [] }

  constructor(options: GatewayOptions) {
    this.options = options
    this.settings = options.settings
    this.clockSync = new ClockSync({
      clock: options.clock ?? systemClock,
      run: runCommand,
      onChange: (synced) => this.clockChanged(synced),
    })
  }

  /** Resolves when devices may connect. Throws EdgeErrors; what was started is stopped again. */
  async start(): Promise<void> {
    await Promise.race([this.clockSync.start(), new Promise((resolve) => setTimeout(resolve, 300))])
    this.openStore()
    try {
      await this.startRooms()
    } catch (error) {
      await this.stop(1_000)
      throw error
    }
  }

  /** Addresses that were really opened: with port 0 the system chooses. */
  addresses: { mqtt: number[]; http: string | undefined } = { mqtt: [], http: undefined }

  /** Applies what can change while running. Nothing is changed if anything is wrong; keys that need a restart are refused by name. */
  async reload(next: Settings): Promise<{ applied: string[] }> {
    const { live, restart } = diffSettings(this.settings, next)
    if (restart.length > 0)
      throw new EdgeError('config-restart', `these settings are read at start only: ${restart.join(', ')}`)
    const loaded = await loadDocuments(expandDocuments(next), this.cache)
    if (loaded.failures.length > 0) throw new DocumentErrors(loaded.failures.flatMap((failure) => failure.errors))
    this.loaded = loaded
    this.ingest.judge = this.makeJudge(next)
    const upstreamsChanged = live.some(
      (key) => key === 'upstreams' || key.startsWith('upstreams.') || key === 'store.maxAge',
    )
    this.settings = next
    if (upstreamsChanged) this.forwarder.configure(next.upstreams, next.store.maxAgeMs)
    this.store.setLimits(limitsOf(next), next.store.whenFull)
    this.options.logger.setLevel(levelOf(next))
    this.status.update(next, loaded)
    return { applied: live }
  }

  /** Finishes commits and sends that are out, never the backlog. */
  async stop(timeoutMs: number): Promise<void> {
    const { logger } = this.options
    this.clockSync.stop()
    await Promise.all(this.sensors.map((sensor) => sensor.stop()))
    await this.http?.close(Math.min(1_000, timeoutMs))
    await this.broker?.stopListening()
    await Promise.race([this.store.log.flushed(), new Promise((resolve) => setTimeout(resolve, timeoutMs / 3).unref())])
    await this.broker?.close()
    await this.forwarder?.stop(timeoutMs / 3)
    await this.store.close(timeoutMs / 3)
    this.status?.stop()
    logger.info({}, 'stopped')
  }

  /** A topic that devices may publish on, for a first try. */
  exampleTopic(): string | undefined {
    for (const { contract } of this.loaded.documents) {
      const address = contract.channels.find((channel) => channel.address !== null)?.address
      if (typeof address === 'string') return address.replaceAll(/\{[^{}]*\}/g, '42')
    }
    return undefined
  }

  /** Whether event loop, broker and store answer; asked by the watchdog. */
  async healthy(): Promise<boolean> {
    const [store] = await Promise.all([this.store.alive(5_000), this.broker.alive()])
    return store
  }

  private openStore(): void {
    const { settings, options } = this
    const { directory, durability, maxBytes, whenFull } = settings.store
    const bootId = readBootId()
    this.store = new LogStore({
      directory,
      durability,
      maxBytes,
      whenFull,
      limits: limitsOf(settings),
      gatewayId: settings.gateway.id,
      machineId: readMachineId() ?? '',
      bootId,
      clock: options.clock ?? systemClock,
      clockSynced: this.clockSync.synced,
      logger: options.logger,
      onFatal: options.onFatal,
      onWriter: (port) => this.forwarder.attachWriter(port),
    })
    const { salvaged } = this.store.opened
    if (salvaged !== undefined)
      options.logger.error(
        { code: 'store-failed', ...salvaged },
        `the store was damaged: ${salvaged.messages} messages were salvaged, the rest is in ${salvaged.aside}`,
      )
  }

  private async startRooms(): Promise<void> {
    const { settings, store, options } = this
    const { directory } = settings.store
    this.forwarder = new ForwarderHandle({
      data: () => ({
        directory,
        gatewayId: this.settings.gateway.id,
        upstreams: this.settings.upstreams,
        maxAgeMs: this.settings.store.maxAgeMs,
        clock: store.opened.clock.read(),
        signal: store.signal,
      }),
      connectWriter: () => store.connectForwarder(),
      logger: options.logger,
    })
    store.start()
    const state = readStartState(directory)
    this.book = new PlanBook(state, (op) => store.log.put(op))
    this.cache = {
      contract: (hash) => readContract(directory, hash),
      lastGood: (file) => readLastGood(directory, file),
      remember: (hash, body) => store.remember({ type: 'remember', hash, body, at: systemClock.wallMs() }),
      rememberFile: (file, hash) => store.remember({ type: 'remember-file', file, hash }),
    }
    this.loaded = await loadDocuments(expandDocuments(settings), this.cache)
    const lost = this.loaded.failures.filter((failure) => !failure.kept)
    if (lost.length > 0) throw new DocumentErrors(lost.flatMap((failure) => failure.errors))
    const retained = new RetainedTopics(
      state.retained.map((row) => row.topic),
      settings.broker.maxRetained,
    )
    this.ingest = new Ingest({
      log: store.log,
      judge: this.makeJudge(settings),
      clock: store.opened.clock,
      limits: settings.broker,
      counts: this.counts,
      lastQuarantineId: state.lastQuarantineId,
      isFull: () => store.full !== undefined,
      retained,
      announce: (clientId, rejection) => this.broker.notices.announce(clientId, rejection),
    })
    this.broker = await MqttBroker.create({
      settings: settings.broker,
      clock: systemClock,
      logger: options.logger,
      isFull: () => store.full !== undefined,
      publish: (input, done) => this.ingest.publish(input, done),
      store: {
        incoming: state.incoming,
        retained: state.retained,
        forgetIncoming: (clientId, packetId, done) =>
          store.log.put({ type: 'incoming-delete', clientId, packetId }, () => done()),
        clearIncoming: (clientId) => store.log.put({ type: 'incoming-clear', clientId }),
      },
    })
    this.status = new GatewayStatus({
      settings,
      loaded: this.loaded,
      store,
      broker: this.broker,
      forwarder: this.forwarder,
      counts: this.counts,
      retained,
      sensors: () => this.sensors,
    })
    this.forwarder.start()
    await this.startSensors()
    if (settings.http.enabled) {
      const { server, url } = await startHttp(settings, this.status, options.logger)
      this.http = server
      this.addresses.http = url
    }
    this.addresses.mqtt = await this.broker.listen()
    this.status.listening = true
  }

  private async startSensors(): Promise<void> {
    const { settings } = this
    this.sensors = settings.sensors.map(
      (sensor) =>
        new SimulatedSensorRunner(sensor, settings.gateway.id, (topic, payload, name) =>
          this.readingFrom(topic, payload, name),
        ),
    )
    for (const sensor of this.sensors) await sensor.start()
  }

  /** A reading goes the way of a device's message; nobody waits for its acknowledgement. */
  private readingFrom(topic: string, payload: Buffer, sensor: string): void {
    this.ingest.publish({ topic, payload, qos: 0, retain: false, clientId: sensor, packetId: undefined }, (outcome) => {
      if (outcome === 'deliver') this.broker.deliver(topic, payload, 0, false)
    })
  }

  private makeJudge(settings: Settings): Judge {
    const routing = { upstreams: Object.keys(settings.upstreams), routes: settings.routes }
    return new Judge(
      new Catalogue(this.loaded.documents, routing, this.book),
      this.book,
      settings.unmatched,
      routing.upstreams,
    )
  }

  private clockChanged(synced: boolean): void {
    const store: LogStore | undefined = this.store
    if (store === undefined) return
    const { clock } = store.opened
    clock.synced = synced
    if (synced) store.log.put({ type: 'clock-offset', wallMinusRunningMs: clock.wallMs() - clock.runningMs() })
    this.options.logger.info({ synced }, synced ? 'the clock is synchronised' : 'the clock is not synchronised')
  }
}

function limitsOf(settings: Settings) {
  const { maxBytes, history } = settings.store
  return { maxBytes, historyMaxAgeMs: history.maxAgeMs, historyMaxBytes: history.maxBytes }
}

function levelOf(settings: Settings): 'debug' | 'info' | 'warn' | 'error' {
  return settings.log.level === 'trace' ? 'debug' : settings.log.level
}

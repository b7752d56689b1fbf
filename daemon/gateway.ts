import type { MessagePort } from 'node:worker_threads'
import type Database from 'better-sqlite3'
import { EdgeError } from './core/errors.ts'
import { systemClock, type Clock } from './core/clock.ts'
import { inTurns } from './core/turn.ts'
import { MqttBroker } from './broker/mqtt-broker.ts'
import type { HttpServer } from './http/server.ts'
import { GatewayApi } from './gateway-api.ts'
import { GatewayEvents } from './gateway-events.ts'
import { GatewayDocuments } from './gateway-documents.ts'
import { startHttp } from './gateway-http.ts'
import { startSensors } from './gateway-sensors.ts'
import { limitsOf, routingOf } from './gateway-settings.ts'
import { openGatewayStore, sessionStore } from './gateway-store.ts'
import { countForwarded, statisticsStore } from './gateway-statistics.ts'
import { GatewayStatus } from './gateway-status.ts'
import type { AsyncApiManager } from './manager/asyncapi-manager.ts'
import { adoptHistory } from './pipeline/adopt-history.ts'
import { CallRecorder } from './pipeline/call-recorder.ts'
import { Catalogue } from './pipeline/catalogue.ts'
import { CompiledDocument, type ActiveDocument, type CompileContext } from './pipeline/compiled-document.ts'
import { ForwarderHandle } from './pipeline/forwarder-handle.ts'
import { History } from './pipeline/history.ts'
import { Ingest } from './pipeline/ingest.ts'
import { IngestCounts } from './pipeline/ingest-counts.ts'
import { Judge } from './pipeline/judge.ts'
import { LiveFeed } from './pipeline/live-feed.ts'
import { RetainedTopics } from './pipeline/retained-topics.ts'
import { PlanBook } from './pipeline/plan-book.ts'
import { ClockSync } from './platform/clock-sync.ts'
import { runCommand } from './platform/run-command.ts'
import { settleHeapWhenQuiet } from './platform/settle-heap.ts'
import type { SimulatedSensorRunner } from './sensors/simulated-sensor.ts'
import { diffSettings } from './settings/reload-diff.ts'
import type { Settings } from './settings/settings.ts'
import { ApiReader } from './store/api-reader.ts'
import { openReadable } from './store/connection.ts'
import { RefusedReader } from './store/refused-reader.ts'
import { RegistryReader } from './store/registry-reader.ts'
import { LogReader } from './store/log-reader.ts'
import type { LogStore } from './store/log-store.ts'
import { readStartState } from './store/start-state.ts'
import type { ProcessLogger } from './telemetry/logger.ts'
import { Statistics } from './telemetry/statistics.ts'

export interface GatewayOptions {
  settings: Settings
  logger: ProcessLogger
  /** The gateway cannot go on: the process has to end and start again. */
  onFatal: (error: EdgeError) => void
  clock?: Clock
}

/** Builds the rooms, starts them in order, stops them in reverse. */
export class Gateway {
  readonly counts = new IngestCounts()
  private settings: Settings
  private readonly options: GatewayOptions
  private readonly clock: Clock
  private readonly clockSync: ClockSync
  private store!: LogStore
  private forwarder!: ForwarderHandle
  private broker!: MqttBroker
  private ingest!: Ingest
  private documents!: GatewayDocuments
  /** What the next activation needs. */
  private prepared: CompiledDocument | undefined
  private compiling!: CompileContext
  private calls!: CallRecorder
  private statistics!: Statistics
  /** Reads what the API and late readers ask for. */
  private db!: Database.Database
  private logReader!: LogReader
  private api!: GatewayApi
  private status!: GatewayStatus
  private http: HttpServer | undefined
  private sensors: SimulatedSensorRunner[] = []

  constructor(options: GatewayOptions) {
    // A reload writes into it what every room reads of `broker`.
    const settings = { ...options.settings, broker: { ...options.settings.broker } }
    this.options = { ...options, settings }
    this.settings = settings
    this.clock = options.clock ?? systemClock
    this.clockSync = new ClockSync({
      clock: this.clock,
      run: runCommand,
      onChange: (synced) => this.clockChanged(synced),
    })
  }

  /** Resolves when devices may connect. Throws EdgeErrors; what was started is stopped again. */
  async start(): Promise<void> {
    await Promise.race([this.clockSync.start(), new Promise((resolve) => setTimeout(resolve, 300))])
    const { settings, options, clock, clockSync } = this
    const { logger, onFatal } = options
    const onWriter = (port: MessagePort): void => this.forwarder.attachWriter(port)
    this.store = openGatewayStore({ settings, clock, clockSynced: clockSync.synced, logger, onFatal, onWriter })
    try {
      await this.startRooms()
    } catch (error) {
      await this.stop(1_000)
      throw error
    }
  }

  /** Addresses that were really opened: with port 0 the system chooses. `freshKey`: the admin key, if this start has made it. */
  addresses: { mqtt: number[]; http?: string; freshKey?: string | undefined } = { mqtt: [] }

  /** Documents, channels, publishing and subscribing, for programs that embed the gateway. There once it is started. */
  get manager(): AsyncApiManager {
    return this.api.manager
  }

  /** Applies what can change while running. Nothing is changed if anything is wrong; keys that need a restart are refused by name. */
  async reload(next: Settings): Promise<{ applied: string[] }> {
    const { live, restart } = diffSettings(this.settings, next)
    if (restart.length > 0)
      throw new EdgeError('config-restart', `these settings are read at start only: ${restart.join(', ')}`)
    await this.documents.reload(next)
    Object.assign(this.options.settings.broker, next.broker)
    this.settings = next
    this.compiling = { ...this.compiling, settings: routingOf(next) }
    this.activate(this.documents.active)
    await this.adoptHistory()
    if (live.includes('upstreams') || live.includes('store.maxAge'))
      this.forwarder.configure(next.upstreams, next.store.maxAgeMs)
    this.store.setLimits(limitsOf(next), next.store.whenFull)
    this.calls.configure(next.callLog)
    this.api.update(next)
    this.status.update(next)
    return { applied: live }
  }

  /** Finishes commits and sends that are out, never the backlog. */
  async stop(timeoutMs: number): Promise<void> {
    const { logger } = this.options
    this.clockSync.stop()
    await Promise.all(this.sensors.map((sensor) => sensor.stop()))
    await this.http?.close(Math.min(1_000, timeoutMs))
    this.api?.stop()
    await this.broker?.stopListening()
    this.statistics?.stop()
    await Promise.race([this.store.log.flushed(), new Promise((resolve) => setTimeout(resolve, timeoutMs / 3).unref())])
    await this.broker?.close()
    await this.forwarder?.stop(timeoutMs / 3)
    this.db?.close()
    await this.store.close(timeoutMs / 3)
    this.status?.stop()
    logger.info({}, 'stopped')
  }

  /** A topic that devices may publish on, for a first try. */
  exampleTopic(): string | undefined {
    return this.documents.exampleTopic()
  }

  /** Whether event loop, broker and store answer; asked by the watchdog. */
  async healthy(): Promise<boolean> {
    const [store] = await Promise.all([this.store.alive(5_000), this.broker.alive()])
    return store
  }

  private async startRooms(): Promise<void> {
    const { settings, store, options, clock } = this
    const { logger } = options
    const { directory } = settings.store
    const { messageIdPrefix } = store.opened
    const db = (this.db = openReadable(directory))
    const reader = new ApiReader(db)
    this.statistics = new Statistics({ clock, store: statisticsStore(store, reader) })
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
      onCounts: (counts) => countForwarded(this.statistics, counts),
      logger,
    })
    store.start()
    const state = readStartState(directory)
    const book = new PlanBook(state, (op) => store.log.put(op))
    this.compiling = {
      settings: routingOf(settings),
      book,
      tallyOf: (id, address, document) => this.statistics.channel(id, address, document),
    }
    this.documents = new GatewayDocuments({
      store,
      reader: new RegistryReader(db),
      clock,
      logger,
      prepare: (document) => this.prepare(document),
      activate: (all) => this.activate(all),
    })
    await this.documents.start(settings)
    this.logReader = new LogReader(db, (what) => store.reportDamage(what))
    const history = new History(this.logReader)
    const feed = new LiveFeed(history)
    const refused = new RefusedReader(db)
    const events = new GatewayEvents({
      feed,
      destinations: () => this.forwarder.destinations,
      refused,
      wallMs: () => clock.wallMs(),
    })
    this.calls = new CallRecorder(settings.callLog, (op) => store.log.put(op))
    const retainedTopics = state.retained.map((row) => row.topic)
    const retained = new RetainedTopics(retainedTopics, settings.broker)
    this.ingest = new Ingest({
      log: store.log,
      judge: this.makeJudge(this.documents.active, []),
      clock: store.opened.clock,
      limits: settings.broker,
      counts: this.counts,
      lastQuarantineId: state.lastQuarantineId,
      isFull: () => store.full !== undefined,
      retained,
      messageIdPrefix,
      announce: (clientId, rejection) => this.broker.notices.announce(clientId, rejection),
      feed,
      calls: this.calls,
      statistics: this.statistics,
    })
    this.broker = await MqttBroker.create({
      settings: settings.broker,
      clock,
      logger,
      isFull: () => store.full !== undefined,
      publish: (input, done) => this.ingest.publish(input, done),
      onClient: (client, change) => events.client(client, change),
      store: sessionStore(state, store.log),
    })
    this.status = new GatewayStatus({
      settings,
      failures: () => this.documents.failures,
      store,
      broker: this.broker,
      forwarder: this.forwarder,
      counts: this.counts,
      retained,
      feed,
      sensors: () => this.sensors,
    })
    const { broker, ingest, documents, statistics, status } = this
    const shared = { settings, store, book, broker, ingest, documents, feed, history, reader, statistics, status }
    this.api = new GatewayApi({ ...shared, events, refused, calls: this.calls, clock, logger })
    this.statistics.start()
    await this.adoptHistory()
    this.forwarder.start()
    this.sensors = await startSensors(settings, { ingest: this.ingest, broker: this.broker })
    if (settings.http.enabled) {
      const { api } = this
      const opened = await startHttp({ settings, status, api, broker, feed, statistics, clock, logger })
      this.http = opened.server
      this.addresses = { mqtt: [], http: opened.url, freshKey: opened.freshKey }
    }
    this.addresses.mqtt = await this.broker.listen()
    this.status.listening = true
    settleHeapWhenQuiet(() => this.counts.received + this.broker.clients)
  }

  private adoptHistory(): Promise<void> {
    const { settings, store, compiling, ingest, logReader: reader, options } = this
    const { catalogue } = ingest.judge
    return adoptHistory({ settings, reader, log: store.log, book: compiling.book, catalogue, logger: options.logger })
  }

  private async prepare(document: ActiveDocument): Promise<void> {
    this.prepared = await inTurns(CompiledDocument.compiling(document, this.compiling))
  }

  private activate(documents: readonly ActiveDocument[]): void {
    const { prepared, ingest } = this
    const ready = prepared === undefined ? [] : [prepared]
    this.prepared = undefined
    ingest.judge = this.makeJudge(documents, [...ingest.judge.catalogue.compiled, ...ready])
  }

  private makeJudge(documents: readonly ActiveDocument[], known: readonly CompiledDocument[]): Judge {
    const catalogue = new Catalogue(documents, this.compiling, known)
    return new Judge(catalogue, this.compiling.book, this.settings.unmatched, this.compiling.settings)
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

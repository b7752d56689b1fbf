import { MqttBroker } from '../broker/mqtt-broker.ts'
import type { Clock } from '../core/clock.ts'
import type { EdgeError } from '../core/errors.ts'
import { systemTimers } from '../core/timers.ts'
import { History } from '../feed/history.ts'
import { LiveFeed } from '../feed/live-feed.ts'
import { ForwarderHandle } from '../forward/forwarder-handle.ts'
import { CallRecorder } from '../ingest/call-recorder.ts'
import { IngestCounts } from '../ingest/ingest-counts.ts'
import { Ingest } from '../ingest/ingest.ts'
import { RetainedTopics } from '../ingest/retained-topics.ts'
import { Documents } from '../manager/documents.ts'
import { GatewayEvents } from '../operations/events.ts'
import { LiveFigures } from '../operations/live-figures.ts'
import type { OperationsSources } from '../operations/sources.ts'
import type { SimulatedSensorRunner } from '../sensors/simulated/simulated-sensor.ts'
import type { Settings } from '../settings/settings.ts'
import { openReadable } from '../store/connection.ts'
import { LogReader } from '../store/log/log-reader.ts'
import type { LogStore } from '../store/log/log-store.ts'
import { readStartState } from '../store/start-state.ts'
import { ContractCacheReader } from '../store/tables/contract-cache.ts'
import { DeadLetterReader } from '../store/tables/dead-letters.ts'
import { DocumentReader } from '../store/tables/documents.ts'
import { StatisticsReader } from '../store/tables/statistics.ts'
import type { ProcessLogger } from '../telemetry/logging/logger.ts'
import { Statistics } from '../telemetry/statistics/statistics.ts'
import { InForce } from '../verdict/in-force.ts'
import { PlanBook } from '../verdict/plan-book.ts'
import { routingOf } from '../verdict/targets.ts'
import { GatewayApi } from './build-api.ts'
import type { Lifecycle } from './lifecycle.ts'
import { openGatewayStore, sessionStore } from './open-store.ts'
import { countForwarded, statisticsStore } from './statistics-ports.ts'

export interface RoomsOptions {
  /** The settings in force; a reload changes the answer. */
  settings: () => Settings
  logger: ProcessLogger
  onFatal: (error: EdgeError) => void
  clock: Clock
  clockSynced: boolean
  lifecycle: Lifecycle
}

/** The rooms of a running gateway, each introduced to those that it needs. */
export interface Rooms {
  store: LogStore
  logReader: LogReader
  book: PlanBook
  inForce: InForce
  documents: Documents
  ingest: Ingest
  broker: MqttBroker
  forwarder: ForwarderHandle
  statistics: Statistics
  calls: CallRecorder
  counts: IngestCounts
  feed: LiveFeed
  sources: OperationsSources
  figures: LiveFigures
  api: GatewayApi
  /** Filled as sensors start. */
  sensors: SimulatedSensorRunner[]
  /** `listening`: every listener is open. */
  state: { listening: boolean }
}

/** Builds every room. Each registers its end with `lifecycle` at once, so a failure in the middle leaves nothing behind. */
export async function buildRooms(options: RoomsOptions): Promise<Rooms> {
  const { clock, clockSynced, logger, onFatal, lifecycle } = options
  const settings = options.settings()
  const { directory } = settings.store
  const store = openGatewayStore({
    settings,
    clock,
    clockSynced,
    logger,
    onFatal,
    onWriter: (port) => forwarder.attachWriter(port),
  })
  lifecycle.onStop((timeoutMs) => store.close(timeoutMs / 3))
  const db = openReadable(directory)
  lifecycle.onStop(() => db.close())
  const statistics = new Statistics({ clock, store: statisticsStore(store, new StatisticsReader(db)) })
  const forwarder = new ForwarderHandle({
    data: () => ({
      directory,
      gatewayId: options.settings().gateway.id,
      upstreams: options.settings().upstreams,
      maxAgeMs: options.settings().store.maxAgeMs,
      clock: store.opened.clock.read(),
      signal: store.signal,
    }),
    connectWriter: () => store.connectForwarder(),
    onCounts: (counts) => countForwarded(statistics, counts),
    logger,
  })
  lifecycle.onStop((timeoutMs) => forwarder.stop(timeoutMs / 3))
  store.start()
  const state = readStartState(directory)
  const book = new PlanBook(state, (op) => store.log.put(op))
  const tallyOf = (id: string, address: string, document: string) => statistics.channel(id, address, document)
  const inForce = new InForce({ settings: routingOf(settings), book, tallyOf }, settings.unmatched)
  const contracts = new ContractCacheReader(db)
  const documents = new Documents({
    store,
    reader: new DocumentReader(db),
    contracts,
    clock,
    timers: systemTimers,
    logger,
    inForce,
  })
  lifecycle.onStop(() => documents.stop())
  await documents.start(settings)
  lifecycle.ensureRunning()
  const logReader = new LogReader(db, (damage) => store.reportDamage(damage))
  const history = new History(logReader)
  const feed = new LiveFeed(history, () => store.log.seq, systemTimers)
  const events = new GatewayEvents({
    feed,
    destinations: () => forwarder.destinations,
    deadLetters: new DeadLetterReader(db),
    channelIds: (topic) => inForce.catalogue.channelIds(topic),
    wallMs: () => clock.wallMs(),
    timers: systemTimers,
  })
  lifecycle.onStop(() => events.stop())
  const calls = new CallRecorder(settings.callLog, (op) => store.log.put(op))
  const counts = new IngestCounts()
  const retainedTopics = state.retained.map((row) => row.topic)
  const retained = new RetainedTopics(retainedTopics, settings.broker)
  const isFull = (): boolean => store.full !== undefined
  const ingest = new Ingest({
    log: store.log,
    inForce,
    clock: store.opened.clock,
    limits: settings.broker,
    counts,
    lastQuarantineId: state.lastQuarantineId,
    isFull,
    mayDrop: () => options.settings().store.whenFull === 'drop-newest',
    retained,
    messageIdPrefix: store.opened.messageIdPrefix,
    announce: (clientId, rejection) => broker.notices.announce(clientId, rejection),
    feed,
    calls,
    statistics,
  })
  const broker = await MqttBroker.create({
    settings: settings.broker,
    clock,
    logger,
    isFull,
    publish: (input, done) => ingest.publish(input, done),
    onClient: (client, change) => events.client(client, change),
    store: sessionStore(state, store.log),
  })
  lifecycle.onStop(() => broker.close())
  // Received messages are committed before their connections are closed, so that their acknowledgements go out.
  lifecycle.onStop((timeoutMs) => lifecycle.within(store.log.flushed(), timeoutMs / 3))
  lifecycle.onStop(() => statistics.stop())
  lifecycle.onStop(() => broker.stopListening())
  const sensors: SimulatedSensorRunner[] = []
  const listeners = { listening: false }
  const sources: OperationsSources = {
    settings: options.settings,
    listening: () => listeners.listening,
    failures: () => documents.failures,
    unfinished: () => documents.unfinished,
    store,
    broker,
    forwarder,
    counts,
    retained,
    feed,
    sensors: () => sensors,
  }
  const figures = new LiveFigures(sources, systemTimers)
  lifecycle.onStop(() => figures.stop())
  const shared = {
    settings,
    store,
    inForce,
    broker,
    ingest,
    documents,
    feed,
    history,
    db,
    statistics,
    sources,
  }
  const api = new GatewayApi({ ...shared, calls, clock, logger })
  lifecycle.onStop(() => api.stop())
  const built = {
    store,
    logReader,
    book,
    inForce,
    documents,
    ingest,
    broker,
    forwarder,
    statistics,
    calls,
    counts,
    feed,
  }
  return { ...built, sources, figures, api, sensors, state: listeners }
}

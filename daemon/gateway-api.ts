import type { Clock } from './core/clock.ts'
import type { MqttBroker } from './broker/mqtt-broker.ts'
import type { GatewayDocuments } from './gateway-documents.ts'
import type { GatewayEvents } from './gateway-events.ts'
import { callsPort, logLevelPort, queuePort, subscriptionPort } from './gateway-operating.ts'
import { publishPort, registryPort } from './gateway-ports.ts'
import { deadLetterPort, quarantinePort } from './gateway-refused.ts'
import { levelOf } from './gateway-settings.ts'
import type { GatewayStatus } from './gateway-status.ts'
import type { PublishPort, RegistryPort, SubscriptionPort } from './http/api-ports.ts'
import type { OperatingPorts } from './http/operating-routes.ts'
import { AsyncApiManager } from './manager/asyncapi-manager.ts'
import { DryRun } from './manager/dry-run.ts'
import type { CallRecorder } from './pipeline/call-recorder.ts'
import { CallbackSender } from './pipeline/callback-sender.ts'
import { Callbacks } from './pipeline/callbacks.ts'
import { replayAgainst } from './pipeline/dry-run.ts'
import type { History } from './pipeline/history.ts'
import { IdempotentPublisher } from './pipeline/idempotent-publisher.ts'
import type { Ingest } from './pipeline/ingest.ts'
import type { LiveFeed } from './pipeline/live-feed.ts'
import type { PlanBook } from './pipeline/plan-book.ts'
import { Publisher } from './pipeline/publisher.ts'
import type { Settings } from './settings/settings.ts'
import type { ApiReader } from './store/api-reader.ts'
import type { LogStore } from './store/log-store.ts'
import type { RefusedReader } from './store/refused-reader.ts'
import type { ProcessLogger } from './telemetry/logger.ts'
import type { Statistics } from './telemetry/statistics.ts'
import { StatisticsSlices } from './telemetry/statistics-slices.ts'

export interface GatewayApiOptions {
  settings: Settings
  store: LogStore
  book: PlanBook
  broker: MqttBroker
  ingest: Ingest
  documents: GatewayDocuments
  feed: LiveFeed
  history: History
  events: GatewayEvents
  refused: RefusedReader
  calls: CallRecorder
  reader: ApiReader
  statistics: Statistics
  status: GatewayStatus
  clock: Clock
  logger: ProcessLogger
}

/** What the web API, and programs that embed the gateway, may ask of it. */
export class GatewayApi {
  readonly manager: AsyncApiManager
  readonly registry: RegistryPort
  readonly publishing: PublishPort
  readonly subscriptions: SubscriptionPort
  readonly quarantine: ReturnType<typeof quarantinePort>
  readonly deadLetters: ReturnType<typeof deadLetterPort>
  readonly operating: OperatingPorts
  private readonly options: GatewayApiOptions
  private readonly sender = new CallbackSender()
  private readonly callbacks: Callbacks
  private readonly logLevel: ReturnType<typeof logLevelPort>

  constructor(options: GatewayApiOptions) {
    const { store, book, broker, ingest, documents, feed, history, reader, refused, clock, logger, settings } = options
    const { messageIdPrefix } = store.opened
    const { registrar, lists } = documents
    const wallMs = (): number => clock.wallMs()
    const deliver = broker.deliver.bind(broker)
    const { log } = store
    const put = log.put.bind(log)
    const limits = settings.broker
    const publisher = new Publisher({ ingest, limits, messageIdPrefix, isFull: () => store.full, deliver })
    const find = (identity: string, key: string) => reader.idempotency(identity, key)
    const idempotent = new IdempotentPublisher({ publisher, find, put, wallMs })
    this.options = options
    this.manager = new AsyncApiManager({ registrar, lists, publisher, idempotent, feed, logger })
    this.callbacks = new Callbacks({
      feed,
      rows: reader.subscriptions(),
      allow: settings.http.callbacks.allow,
      position: () => messageIdPrefix + log.seq,
      post: (url, id, body, secret) => this.sender.post(url, id, body, secret, clock.wallMs()),
      attempted: (attempt) => options.calls.attempted(attempt),
      put,
      commit: (op) => log.commit(op),
      wallMs,
      random: Math.random,
      logger,
    })
    const dryRun = new DryRun(registrar, (contract, name) => replayAgainst(history, contract, name))
    this.registry = registryPort(this.manager, registrar, lists, dryRun)
    this.publishing = publishPort(this.manager, publisher, ingest)
    this.subscriptions = subscriptionPort(this.callbacks, lists)
    const refusals = { reader: refused, ingest, publisher, log, book, deliver }
    this.quarantine = quarantinePort(refusals)
    this.deadLetters = deadLetterPort(refusals)
    const slices = new StatisticsSlices(options.statistics, clock)
    this.logLevel = logLevelPort(logger, levelOf(settings))
    this.operating = {
      statistics: {
        read: ({ windowMs, channel_id: channelId }) =>
          slices.report({ windowMs, ...(channelId === undefined ? {} : { channelId }) }),
      },
      calls: callsPort(reader),
      queue: queuePort(options.status),
      logLevel: this.logLevel,
    }
  }

  /** Takes over what can change while running. */
  update(settings: Settings): void {
    this.callbacks.allow(settings.http.callbacks.allow)
    this.logLevel.reset(levelOf(settings))
  }

  stop(): void {
    this.options.events.stop()
    this.callbacks.stop()
    this.sender.close()
    this.manager.close()
  }
}

import type Database from 'better-sqlite3'
import type { MqttBroker } from '../broker/mqtt-broker.ts'
import type { Clock } from '../core/clock.ts'
import { systemTimers } from '../core/timers.ts'
import { Callbacks } from '../feed/callbacks.ts'
import type { History } from '../feed/history.ts'
import type { LiveFeed } from '../feed/live-feed.ts'
import type { CallRecorder } from '../ingest/call-recorder.ts'
import { IdempotentPublisher } from '../ingest/idempotent-publisher.ts'
import type { Ingest } from '../ingest/ingest.ts'
import { Publisher } from '../ingest/publisher.ts'
import { AsyncApiManager } from '../manager/asyncapi-manager.ts'
import type { Documents } from '../manager/documents.ts'
import { DryRun } from '../manager/dry-run.ts'
import { replayAgainst } from '../manager/replay-against.ts'
import { callsPort, type CallsPort } from '../operations/calls.ts'
import { deadLetterPort } from '../operations/dead-letters.ts'
import { logLevelPort, type LogLevelPort } from '../operations/log-level.ts'
import { publishPort, type PublishPort } from '../operations/publishing.ts'
import { quarantinePort } from '../operations/quarantine.ts'
import { queuePort, type QueuePort } from '../operations/queue.ts'
import { type RegistryPort, registryPort } from '../operations/registry.ts'
import type { OperationsSources } from '../operations/sources.ts'
import type { StatisticsPort } from '../operations/statistics.ts'
import { subscriptionPort, type SubscriptionPort } from '../operations/subscriptions.ts'
import { CallbackSender } from '../protocols/webhook/callback-sender.ts'
import type { Settings } from '../settings/settings.ts'
import type { LogStore } from '../store/log/log-store.ts'
import { CallReader } from '../store/tables/calls.ts'
import { DeadLetterReader } from '../store/tables/dead-letters.ts'
import { IdempotencyReader } from '../store/tables/idempotency.ts'
import { QuarantineReader } from '../store/tables/quarantine.ts'
import { readSubscriptions } from '../store/tables/subscriptions.ts'
import type { ProcessLogger } from '../telemetry/logging/logger.ts'
import { PacedReports } from '../telemetry/statistics/paced-reports.ts'
import type { Statistics } from '../telemetry/statistics/statistics.ts'
import type { InForce } from '../verdict/in-force.ts'
import { levelOf } from './room-settings.ts'

export interface GatewayApiOptions {
  settings: Settings
  store: LogStore
  broker: MqttBroker
  ingest: Ingest
  inForce: InForce
  documents: Documents
  feed: LiveFeed
  history: History
  calls: CallRecorder
  /** A connection that only reads. */
  db: Database.Database
  statistics: Statistics
  sources: OperationsSources
  clock: Clock
  logger: ProcessLogger
}

/** Composes the operations of the web API and of programs that embed the gateway. */
export class GatewayApi {
  readonly manager: AsyncApiManager
  readonly registry: RegistryPort
  readonly publishing: PublishPort
  readonly subscriptions: SubscriptionPort
  readonly quarantine: ReturnType<typeof quarantinePort>
  readonly deadLetters: ReturnType<typeof deadLetterPort>
  readonly operating: {
    statistics: StatisticsPort
    calls: CallsPort
    queue: QueuePort
    logLevel: LogLevelPort
  }
  private readonly options: GatewayApiOptions
  private readonly sender = new CallbackSender()
  private readonly callbacks: Callbacks
  private readonly logLevel: ReturnType<typeof logLevelPort>

  constructor(options: GatewayApiOptions) {
    const { store, broker, ingest, inForce, documents, feed, history, db, clock, logger, settings } = options
    const { messageIdPrefix } = store.opened
    const { registrar, lists } = documents
    const wallMs = (): number => clock.wallMs()
    const runningMs = (): number => store.opened.clock.runningMs()
    const deliver = broker.deliver.bind(broker)
    const { log } = store
    const put = log.put.bind(log)
    const limits = settings.broker
    const publisher = new Publisher({
      ingest,
      inForce,
      limits,
      messageIdPrefix,
      isFull: () => store.full,
      timers: systemTimers,
      deliver,
    })
    const answers = new IdempotencyReader(db)
    const find = (identity: string, key: string) => answers.lookUp(identity, key)
    const idempotent = new IdempotentPublisher({ publisher, find, put, runningMs })
    this.options = options
    this.manager = new AsyncApiManager({ registrar, lists, publisher, idempotent, feed, logger })
    this.callbacks = new Callbacks({
      feed,
      rows: readSubscriptions(db),
      allow: settings.http.callbacks.allow,
      position: () => messageIdPrefix + log.seq,
      post: (url, id, body, secret) => this.sender.post(url, id, body, secret, clock.wallMs()),
      attempted: (attempt) => options.calls.attempted(attempt),
      put,
      commit: (op) => log.commit(op),
      wallMs,
      runningMs,
      random: Math.random,
      logger,
    })
    const dryRun = new DryRun(registrar, (contract, name) => replayAgainst(history, contract, name))
    this.registry = registryPort(this.manager, registrar, lists, dryRun)
    this.publishing = publishPort(this.manager, publisher, inForce)
    this.subscriptions = subscriptionPort(this.callbacks, lists)
    this.quarantine = quarantinePort({ inForce, publisher, log, deliver, wallMs, reader: new QuarantineReader(db) })
    this.deadLetters = deadLetterPort({
      reader: new DeadLetterReader(db),
      log,
      destinations: () => Object.keys(options.sources.settings().upstreams),
      now: () => ({ runningMs: runningMs(), wallMs: clock.wallMs() }),
      replayed: (destination) => options.sources.forwarder.replay(destination),
    })
    const reports = new PacedReports(options.statistics, clock)
    this.logLevel = logLevelPort(logger, levelOf(settings))
    this.operating = {
      statistics: {
        read: ({ windowMs, channel_id: channelId }) =>
          reports.report({ windowMs, ...(channelId === undefined ? {} : { channelId }) }),
      },
      calls: callsPort(new CallReader(db)),
      queue: queuePort(options.sources),
      logLevel: this.logLevel,
    }
  }

  /** Applies the settings that can change while running. */
  update(settings: Settings): void {
    this.callbacks.allow(settings.http.callbacks.allow)
    this.logLevel.reset(levelOf(settings))
  }

  stop(): void {
    this.callbacks.stop()
    this.sender.close()
    this.manager.close()
  }
}

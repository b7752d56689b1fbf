import type { AedesOptions, Client, Subscription } from 'aedes'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import type { PublishPort, SessionStore } from '../../ports/publication.ts'
import type { BrokerSettings } from '../../settings/sections/broker-settings.ts'
import type { BrokerConnection, ConnectedClient } from '../listeners/broker-connection.ts'
import { Audience } from '../sessions/audience.ts'
import type { HeldClients } from '../sessions/held-clients.ts'
import { maySubscribe, topicFault } from '../topic-rules.ts'
import { describeClient, dropWill } from './clients.ts'
import { warnOfOtherVersions } from './known-versions.ts'
import { LocalBroker } from './local-broker.ts'
import { NOWHERE } from './neutralise.ts'
import { PubackBatch } from './puback-batch.ts'
import { Publications } from './publications.ts'
import { sessionPersistence, type Persistence } from './session-persistence.ts'

export interface AedesBrokerOptions {
  settings: BrokerSettings
  publish: PublishPort
  store: SessionStore
  held: HeldClients
  clock: Clock
  logger: Logger
  /** A client has connected or disconnected. */
  onClient?: (client: ConnectedClient, state: 'connected' | 'disconnected') => void
}

/** Aedes with our persistence and permissions, behind calls that need no knowledge of it. */
export class AedesBroker {
  private readonly options: AedesBrokerOptions
  private readonly aedes: LocalBroker
  private readonly publications: Publications
  private readonly persistence: Persistence
  private readonly connected = new Map<Client, ConnectedClient>()

  constructor(options: AedesBrokerOptions) {
    const { settings, publish, store, held } = options
    this.options = options
    const audience = new Audience()
    this.publications = new Publications({ publish, audience, held, pubacks: new PubackBatch() })
    this.persistence = sessionPersistence({
      publish,
      store,
      limits: settings,
      audience,
      onRefused: (client, outcome) => this.publications.refuse(client, outcome),
    })
    const aedesOptions: AedesOptions = {
      concurrency: 100,
      connectTimeout: settings.connectTimeoutMs,
      drainTimeout: settings.drainTimeoutMs,
      keepaliveLimit: settings.keepaliveLimitMs === null ? 0 : Math.ceil(settings.keepaliveLimitMs / 1_000),
      maxInflightInbound: settings.maxInflight,
      // Aedes' maximum, beyond which it closes the connection. The publish port, whose limit is lower, acknowledges and says why.
      maxTopicLevels: 100,
      persistence: this.persistence,
      authenticate: (_client, username, _password, done) => this.authenticate(username, done),
      authorizePublish: (client, packet, done) => this.publications.authorize(client, packet, done),
      authorizeSubscribe: (client, subscription, done) => this.authorizeSubscribe(client, subscription, done),
    }
    this.aedes = new LocalBroker(aedesOptions, audience)
  }

  /** Restores what is retained. Clients may be served when it has resolved. */
  async start(): Promise<void> {
    const { aedes, options } = this
    const { logger, store } = options
    warnOfOtherVersions(logger)
    await aedes.listen()
    for (const { topic, payload, qos } of store.retained) {
      await this.persistence.storeRetained({
        cmd: 'publish',
        topic,
        payload,
        qos: qos === 0 ? 0 : 1,
        retain: true,
        dup: false,
        brokerId: aedes.id,
        brokerCounter: 0,
      })
    }
    aedes.on('client', (client) => this.connected.set(client, describeClient(client, options.clock.wallMs())))
    aedes.on('clientReady', (client) => this.clientConnected(client))
    aedes.on('clientDisconnect', (client) => this.clientDisconnected(client))
    aedes.on('clientError', (client, error) => logger.debug({ client: client.id, err: error }, 'client error'))
    aedes.on('connectionError', (_client, error) => logger.debug({ err: error }, 'connection error'))
  }

  serve(connection: BrokerConnection): void {
    this.aedes.serve(connection)
  }

  get clients(): number {
    return this.aedes.connectedClients ?? 0
  }

  /** At most `limit` clients, in the order in which they connected. */
  clientList(limit: number): ConnectedClient[] {
    return [...this.connected.values()].slice(0, limit)
  }

  /** Delivers a message to local subscribers, and keeps it if it is retained. */
  deliver(topic: string, payload: Buffer, qos: 0 | 1 | 2, retain: boolean): void {
    this.aedes.publish({ cmd: 'publish', topic, payload, qos, retain, dup: false }, (error) => {
      if (error instanceof Error) this.options.logger.warn({ err: error, topic }, 'local delivery failed')
    })
  }

  /** Resolves when a message without subscribers has passed through Aedes. */
  async alive(): Promise<boolean> {
    const probe = { cmd: 'publish', topic: NOWHERE, payload: '', qos: 0, retain: false, dup: false } as const
    return new Promise((resolve) => this.aedes.publish(probe, () => resolve(true)))
  }

  /** Disconnects every client without its will: the gateway stops, the devices are well. */
  async close(): Promise<void> {
    for (const client of this.connected.keys()) dropWill(client)
    await new Promise<void>((resolve) => this.aedes.close(resolve))
  }

  private clientConnected(client: Client): void {
    const { clock, logger, onClient } = this.options
    const described = this.connected.get(client) ?? describeClient(client, clock.wallMs())
    logger.info({ client: client.id, address: described.address }, 'client connected')
    onClient?.(described, 'connected')
  }

  private clientDisconnected(client: Client): void {
    const described = this.connected.get(client)
    if (!this.connected.delete(client)) return
    this.options.logger.info({ client: client.id }, 'client disconnected')
    if (described !== undefined) this.options.onClient?.(described, 'disconnected')
  }

  /** Only anonymous clients are known: a user name is refused, not ignored, and the connection closed [MQTT-3.2.2-5]. */
  private authenticate(username: string | undefined, done: (error: null, success: boolean) => void): void {
    done(null, this.options.settings.anonymous && (username === undefined || username === ''))
  }

  /** A filter that is not granted is answered with 0x80 [MQTT-3.8.4-5]. */
  private authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    done: (error: null, granted: Subscription | null) => void,
  ): void {
    const { topic } = subscription
    const granted = maySubscribe(topic, client.id) && topicFault(topic, this.options.settings) === undefined
    done(null, granted ? subscription : null)
  }
}

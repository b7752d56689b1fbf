import type { AedesOptions, Client, ConnectPacket, Subscription } from 'aedes'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import type { PublishPort, SessionStore } from '../../ports/publication.ts'
import type { BrokerSettings } from '../../settings/sections/broker-settings.ts'
import type { CloseReason, ConnectionTraces, Who } from '../connection-traces.ts'
import type { BrokerConnection, ConnectedClient } from '../listeners/broker-connection.ts'
import { Audience } from '../sessions/audience.ts'
import type { HeldClients } from '../sessions/held-clients.ts'
import { IncomingIds } from '../sessions/incoming-ids.ts'
import { filterFault, maySubscribe } from '../topic-rules.ts'
import { clientOf, describeClient, dropWill, stateOf, whoIs } from './clients.ts'
import { refusalOf } from './connect-checks.ts'
import { reasonOf } from './error-reason.ts'
import { warnOfOtherVersions } from './known-versions.ts'
import { LocalBroker } from './local-broker.ts'
import { NOWHERE } from './nowhere.ts'
import { PubackBatch } from './puback-batch.ts'
import { Publications } from './publications.ts'
import { sessionPersistence, type Persistence } from './session-persistence.ts'

export interface AedesBrokerOptions {
  settings: BrokerSettings
  publish: PublishPort
  store: SessionStore
  held: HeldClients
  traces: ConnectionTraces
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
  private readonly incoming: IncomingIds
  private readonly connected = new Map<Client, ConnectedClient>()
  private readonly granted = new WeakSet<Subscription>()
  private readonly onClosing = (client: Client, reason: CloseReason): void => this.closing(client, reason)

  constructor(options: AedesBrokerOptions) {
    const { settings, publish, store, held, logger } = options
    this.options = options
    const audience = new Audience()
    const pubacks = new PubackBatch()
    this.incoming = new IncomingIds(store)
    this.publications = new Publications({
      publish,
      audience,
      held,
      pubacks,
      deliver: (message, done) => this.aedes.deliver(message, done),
    })
    this.persistence = sessionPersistence({
      take: (client, packet) => this.publications.take(client, packet),
      incoming: this.incoming,
      isGranted: (subscription) => this.granted.has(subscription),
      limits: settings,
      audience,
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
      preConnect: (client, packet, done) => this.preConnect(client, packet, done),
      authenticate: (client, username, _password, done) => this.authenticate(client, username, done),
      authorizePublish: (client, packet, done) => this.publications.authorize(client, packet, done),
      authorizeSubscribe: (client, subscription, done) => this.authorizeSubscribe(client, subscription, done),
    }
    this.aedes = new LocalBroker({
      aedes: aedesOptions,
      audience,
      logger,
      onTakeover: (client, by) => this.closing(client, 'takeover', { by: whoIs(by).address }),
    })
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
        qos: qos === 0 || qos === 2 ? qos : 1,
        retain: true,
        dup: false,
        brokerId: aedes.id,
        brokerCounter: 0,
      })
    }
    aedes.on('client', (client) => this.connected.set(client, describeClient(client, options.clock.wallMs())))
    aedes.on('clientReady', (client) => this.clientConnected(client))
    aedes.on('clientDisconnect', (client) => this.clientDisconnected(client))
    aedes.on('clientError', (client, error) => this.clientFailed(client, error))
    aedes.on('connectionError', (client, error) => this.clientFailed(client, error))
    aedes.on('keepaliveTimeout', (client) => this.closing(client, 'keep-alive'))
    aedes.on('connackSent', ({ returnCode, sessionPresent }, client) => {
      // A session that is not resumed begins without packet ids [MQTT-3.2.2-3].
      if (returnCode === 0 && !sessionPresent) this.incoming.clear(client.id)
    })
  }

  serve(connection: BrokerConnection): void {
    stateOf(this.aedes.serve(connection)).onClosing = this.onClosing
  }

  /** A packet of the connection declares more than `maxPacketSize`; the connection is closed for it. */
  closedForSize(connection: BrokerConnection, declaredBytes: number): void {
    const client = clientOf(connection)
    if (client !== undefined) this.closing(client, 'packet-size', { declaredBytes })
  }

  /** Client and address, for log lines. */
  whoIs(clientId: string): Who {
    const client = this.aedes.clients[clientId]
    return client === undefined ? { client: clientId, address: null } : whoIs(client)
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
    this.aedes.deliver({ topic, payload, qos, retain }, () => undefined)
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
    const { clock, logger, onClient, traces } = this.options
    const described = this.connected.get(client) ?? describeClient(client, clock.wallMs())
    if (!traces.isRecent(whoIs(client)))
      logger.info({ client: client.id, address: described.address }, 'client connected')
    onClient?.(described, 'connected')
  }

  private clientDisconnected(client: Client): void {
    const { logger, onClient, traces } = this.options
    const described = this.connected.get(client)
    if (!this.connected.delete(client)) return
    if (!stateOf(client).ended && !traces.isRecent(whoIs(client)))
      logger.info({ client: client.id }, 'client disconnected')
    if (described !== undefined) onClient?.(described, 'disconnected')
  }

  private clientFailed(client: Client, error: Error): void {
    const reason = reasonOf(client, error)
    this.options.logger.debug({ client: client.id, err: error }, 'client error')
    if (reason === undefined) return
    if ('closed' in reason) return this.closing(client, reason.closed, { detail: error.message })
    stateOf(client).ended = true
    this.options.traces.refused(whoIs(client), reason.refused, { detail: error.message })
  }

  /** The broker closes a connection. Only the first reason counts: others follow from it. */
  private closing(client: Client, reason: CloseReason, more?: object): void {
    const state = stateOf(client)
    if (state.ended) return
    state.ended = true
    this.options.traces.closed(whoIs(client), reason, more)
  }

  private preConnect(client: Client, packet: ConnectPacket, done: (error: null, success: boolean) => void): void {
    const refusal = refusalOf(packet)
    if (refusal === undefined) return done(null, true)
    const { conn } = client
    const state = stateOf(client)
    state.refused = true
    state.ended = true
    this.options.traces.refused({ ...whoIs(client), client: packet.clientId || null }, refusal.reason, refusal.detail)
    if (refusal.answer === undefined) conn.destroy()
    else conn.end(refusal.answer, () => conn.destroy())
    done(null, false)
  }

  /** Only anonymous clients are known: a user name is refused, not ignored, and the connection closed [MQTT-3.2.2-5]. */
  private authenticate(
    client: Client,
    username: string | undefined,
    done: (error: null, success: boolean) => void,
  ): void {
    const isKnown = this.options.settings.anonymous && (username === undefined || username === '')
    stateOf(client).refused = !isKnown
    done(null, isKnown)
  }

  /** A filter that is not granted is answered with 0x80 [MQTT-3.8.4-5]. */
  private authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    done: (error: null, granted: Subscription | null) => void,
  ): void {
    const { topic } = subscription
    const isGranted = maySubscribe(topic, client.id) && filterFault(topic, this.options.settings) === undefined
    if (isGranted) this.granted.add(subscription)
    else if (topic !== NOWHERE) this.options.traces.subscription(whoIs(client), topic)
    done(null, isGranted ? subscription : null)
  }
}

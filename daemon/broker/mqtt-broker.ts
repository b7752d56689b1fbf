import { createServer, Socket, type Server } from 'node:net'
import type { AedesOptions, Client, Subscription } from 'aedes'
import type { Clock } from '../core/clock.ts'
import { EdgeError, systemCode } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { PublishPort, SessionStore } from '../ports/publication.ts'
import type { BrokerSettings } from '../settings/sections/broker-settings.ts'
import { Audience } from './aedes/audience.ts'
import { LocalBroker } from './aedes/local-broker.ts'
import { PubackBatch } from './aedes/puback-batch.ts'
import type { BrokerConnection, ConnectedClient } from './listeners/broker-connection.ts'
import { ConnectionCaps } from './listeners/connection-caps.ts'
import { gateFrames } from './listeners/frame-gate.ts'
import { Publications } from './publications.ts'
import { RejectionNotices } from './rejection-notices.ts'
import { HeldClients } from './sessions/held-clients.ts'
import { sessionPersistence, type Persistence } from './sessions/session-persistence.ts'
import { maySubscribe, topicFault } from './topic-rules.ts'

export interface MqttBrokerOptions {
  settings: BrokerSettings
  publish: PublishPort
  store: SessionStore
  isFull: () => boolean
  clock: Clock
  logger: Logger
  /** A client has come or gone. */
  onClient?: (client: ConnectedClient, state: 'connected' | 'disconnected') => void
}

/** The broker that devices publish to. Acknowledges a message only after the publish port has answered for it. */
export class MqttBroker {
  readonly notices: RejectionNotices
  readonly caps: ConnectionCaps
  /** Connections closed because a packet declared more than `maxPacketSize`. */
  closedForSize = 0
  private readonly options: MqttBrokerOptions
  private readonly aedes: LocalBroker
  private readonly audience = new Audience()
  private readonly publications: Publications
  private readonly persistence: Persistence
  private readonly connected = new Map<Client, ConnectedClient>()
  private readonly held: HeldClients
  private readonly servers: Server[] = []
  private readonly connections = new Set<BrokerConnection>()
  private listening = true

  private constructor(options: MqttBrokerOptions) {
    const { settings, clock } = options
    this.options = options
    this.caps = new ConnectionCaps(settings)
    this.held = new HeldClients(clock, options.isFull)
    const { publish } = options
    const { held, audience } = this
    this.publications = new Publications({ publish, audience, held, pubacks: new PubackBatch() })
    this.notices = new RejectionNotices(clock, (topic, payload) => this.tell(topic, payload))
    this.persistence = sessionPersistence({
      publish: options.publish,
      store: options.store,
      limits: settings,
      audience: this.audience,
      onRefused: (client, outcome) => this.publications.refuse(client, outcome),
    })
    const aedesOptions: AedesOptions = {
      concurrency: 100,
      connectTimeout: settings.connectTimeoutMs,
      drainTimeout: settings.drainTimeoutMs,
      keepaliveLimit: settings.keepaliveLimitMs === null ? 0 : Math.ceil(settings.keepaliveLimitMs / 1_000),
      maxInflightInbound: settings.maxInflight,
      // Its ceiling. It closes the connection of a device that goes beyond; the publish port acknowledges and says why.
      maxTopicLevels: 100,
      persistence: this.persistence,
      authenticate: (_client, username, _password, done) => this.authenticate(username, done),
      authorizePublish: (client, packet, done) => this.publications.take(client, packet, done),
      authorizeSubscribe: (client, subscription, done) => this.authorizeSubscribe(client, subscription, done),
    }
    this.aedes = new LocalBroker(aedesOptions, this.audience)
  }

  /** Ready to take connections; `listen` opens the doors. */
  static async create(options: MqttBrokerOptions): Promise<MqttBroker> {
    const broker = new MqttBroker(options)
    await broker.aedes.listen()
    const { logger, store } = options
    for (const row of store.retained) {
      await broker.persistence.storeRetained({
        cmd: 'publish',
        topic: row.topic,
        payload: row.payload,
        qos: row.qos === 0 ? 0 : 1,
        retain: true,
        dup: false,
        brokerId: broker.aedes.id,
        brokerCounter: 0,
      })
    }
    broker.aedes.on('client', (client) => broker.connected.set(client, broker.describe(client)))
    broker.aedes.on('clientReady', (client) => broker.clientCame(client))
    broker.aedes.on('clientDisconnect', (client) => broker.clientWent(client))
    broker.aedes.on('clientError', (client, error) => logger.debug({ client: client.id, err: error }, 'client error'))
    broker.aedes.on('connectionError', (_client, error) => logger.debug({ err: error }, 'connection error'))
    return broker
  }

  /** Opens every listener, or none. Throws `listen-failed`. Resolves to the ports. */
  async listen(): Promise<number[]> {
    const ports: number[] = []
    for (const { host, port, url } of this.options.settings.listeners) {
      const server = createServer({ noDelay: true, pauseOnConnect: false }, (socket) => {
        if (!this.accept(socket)) socket.destroy()
      })
      await new Promise<void>((resolve, reject) => {
        server.once('error', (error) =>
          reject(new EdgeError('listen-failed', `${url}: ${systemCode(error) ?? error.message}`, { cause: error })),
        )
        server.listen({ host, port, backlog: 1024 }, resolve)
      })
      server.on('error', (error) => this.options.logger.error({ err: error, url }, 'listener failed'))
      this.servers.push(server)
      const address = server.address()
      ports.push(typeof address === 'object' && address !== null ? address.port : port)
    }
    return ports
  }

  get clients(): number {
    return this.aedes.connectedClients ?? 0
  }

  /** At most `limit` of them, in the order in which they came. */
  clientList(limit: number): ConnectedClient[] {
    return [...this.connected.values()].slice(0, limit)
  }

  /** Connections closed because the store took nothing. */
  get closedWhileFull(): number {
    return this.held.closed
  }

  /** Gives a message that is durable already to local subscribers. */
  deliver(topic: string, payload: Buffer, qos: 0 | 1 | 2, retain: boolean): void {
    this.aedes.publish({ cmd: 'publish', topic, payload, qos, retain, dup: false }, (error) => {
      if (error instanceof Error) this.options.logger.warn({ err: error, topic }, 'local delivery failed')
    })
  }

  /** Resolves when the broker has answered a round through its own machinery. */
  async alive(): Promise<boolean> {
    return new Promise((resolve) =>
      this.aedes.publish(
        { cmd: 'publish', topic: '$stepflow/nowhere', payload: '', qos: 0, retain: false, dup: false },
        () => resolve(true),
      ),
    )
  }

  /** Takes no new connections or messages; what was taken is still answered. */
  async stopListening(): Promise<void> {
    this.listening = false
    await Promise.all(
      this.servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve())
            resolve()
          }),
      ),
    )
    for (const connection of this.connections) connection.pause()
  }

  async close(): Promise<void> {
    this.held.stop()
    for (const client of this.connected.keys()) Object.assign(client, { will: null })
    await new Promise<void>((resolve) => this.aedes.close(resolve))
    for (const connection of this.connections) connection.destroy()
  }

  /** Serves a connection that somebody else has opened, as it does those of its listeners; false: there is no place for it. */
  accept(connection: BrokerConnection): boolean {
    if (!this.listening || !this.caps.admit(connection)) return false
    this.connections.add(connection)
    connection.once('close', () => this.connections.delete(connection))
    gateFrames(connection, this.options.settings.maxPacketSizeBytes, (declared) => {
      this.closedForSize++
      this.options.logger.warn(
        { address: connection.remoteAddress, declaredBytes: declared },
        'connection closed: a packet declares more than maxPacketSize',
      )
    })
    this.aedes.handle(connection)
    return true
  }

  private describe(client: Client): ConnectedClient {
    const address = addressOf(client) ?? null
    const transport = client.conn instanceof Socket ? 'tcp' : 'websocket'
    return { clientId: client.id, address, sinceMs: this.options.clock.wallMs(), transport }
  }

  private clientCame(client: Client): void {
    const described = this.connected.get(client) ?? this.describe(client)
    this.options.logger.info({ client: client.id, address: described.address }, 'client connected')
    this.options.onClient?.(described, 'connected')
  }

  private clientWent(client: Client): void {
    const described = this.connected.get(client)
    if (!this.connected.delete(client)) return
    this.options.logger.info({ client: client.id }, 'client disconnected')
    if (described !== undefined) this.options.onClient?.(described, 'disconnected')
  }

  private authenticate(username: string | undefined, done: (error: null, success: boolean) => void): void {
    // Without credentials in the store nobody can be known: a user name is refused rather than ignored.
    done(null, this.options.settings.anonymous && (username === undefined || username === ''))
  }

  private authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    done: (error: null, granted: Subscription | null) => void,
  ): void {
    const { topic } = subscription
    const granted = maySubscribe(topic, client.id) && topicFault(topic, this.options.settings) === undefined
    done(null, granted ? subscription : null)
  }

  private tell(topic: string, payload: string): void {
    this.deliver(topic, Buffer.from(payload), 0, false)
  }
}

function addressOf(client: Client): string | undefined {
  return 'remoteAddress' in client.conn ? client.conn.remoteAddress : undefined
}

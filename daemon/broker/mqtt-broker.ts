import { createServer, type Server, type Socket } from 'node:net'
import { Aedes, type Client, type PublishPacket, type Subscription } from 'aedes'
import type { Clock } from '../core/clock.ts'
import { EdgeError, systemCode } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { BrokerSettings } from '../settings/broker-settings.ts'
import { ConnectionCaps } from './connection-caps.ts'
import { gateFrames } from './frame-gate.ts'
import { closeWithoutWill, HeldClients } from './held-clients.ts'
import { neutralise } from './neutralise.ts'
import type { PublishOutcome, PublishPort, SessionStore } from './publish-port.ts'
import { RejectionNotices } from './rejection-notices.ts'
import { sessionPersistence, type Persistence } from './session-persistence.ts'
import { maySubscribe, topicFault } from './topic-rules.ts'

export interface MqttBrokerOptions {
  settings: BrokerSettings
  publish: PublishPort
  store: SessionStore
  isFull: () => boolean
  clock: Clock
  logger: Logger
}

/** The broker that devices publish to. Acknowledges a message only after the publish port has answered for it. */
export class MqttBroker {
  readonly notices: RejectionNotices
  readonly caps: ConnectionCaps
  /** Connections closed because a packet declared more than `maxPacketSize`. */
  closedForSize = 0
  private readonly options: MqttBrokerOptions
  private readonly aedes: Aedes
  private readonly persistence: Persistence
  private readonly connected = new Set<Client>()
  private readonly held: HeldClients
  private readonly servers: Server[] = []
  private readonly sockets = new Set<Socket>()

  private constructor(options: MqttBrokerOptions) {
    const { settings, clock } = options
    this.options = options
    this.caps = new ConnectionCaps(settings.maxConnections, settings.maxConnectionsPerIp)
    this.held = new HeldClients(clock, options.isFull)
    this.notices = new RejectionNotices(clock, (topic, payload) => this.tell(topic, payload))
    this.persistence = sessionPersistence(options.publish, options.store, settings.maxRetained, (client, outcome) =>
      this.refuse(client, outcome),
    )
    this.aedes = new Aedes({
      concurrency: 100,
      connectTimeout: settings.connectTimeoutMs,
      drainTimeout: settings.drainTimeoutMs,
      keepaliveLimit: settings.keepaliveLimitMs === null ? 0 : Math.ceil(settings.keepaliveLimitMs / 1_000),
      maxInflightInbound: settings.maxInflight,
      // Its ceiling. It closes the connection of a device that goes beyond; the publish port acknowledges and says why.
      maxTopicLevels: 100,
      persistence: this.persistence,
      authenticate: (_client, username, _password, done) => this.authenticate(username, done),
      authorizePublish: (client, packet, done) => this.authorizePublish(client, packet, done),
      authorizeSubscribe: (client, subscription, done) => this.authorizeSubscribe(client, subscription, done),
    })
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
    broker.aedes.on('client', (client) => broker.connected.add(client))
    broker.aedes.on('clientDisconnect', (client) => broker.connected.delete(client))
    broker.aedes.on('clientReady', (client) =>
      logger.info({ client: client.id, address: addressOf(client) }, 'client connected'),
    )
    broker.aedes.on('clientDisconnect', (client) => logger.info({ client: client.id }, 'client disconnected'))
    broker.aedes.on('clientError', (client, error) => logger.debug({ client: client.id, err: error }, 'client error'))
    broker.aedes.on('connectionError', (_client, error) => logger.debug({ err: error }, 'connection error'))
    return broker
  }

  /** Opens every listener, or none. Throws `listen-failed`. Resolves to the ports. */
  async listen(): Promise<number[]> {
    const ports: number[] = []
    for (const { host, port, url } of this.options.settings.listeners) {
      const server = createServer({ noDelay: true, pauseOnConnect: false }, (socket) => this.accept(socket))
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
    await Promise.all(
      this.servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve())
            resolve()
          }),
      ),
    )
    for (const socket of this.sockets) socket.pause()
  }

  async close(): Promise<void> {
    this.held.stop()
    for (const client of this.connected) Object.assign(client, { will: null })
    await new Promise<void>((resolve) => this.aedes.close(resolve))
    for (const socket of this.sockets) socket.destroy()
  }

  private accept(socket: Socket): void {
    if (!this.caps.admit(socket)) {
      socket.destroy()
      return
    }
    this.sockets.add(socket)
    socket.once('close', () => this.sockets.delete(socket))
    gateFrames(socket, this.options.settings.maxPacketSizeBytes, (declared) => {
      this.closedForSize++
      this.options.logger.warn(
        { address: socket.remoteAddress, declaredBytes: declared },
        'connection closed: a packet declares more than maxPacketSize',
      )
    })
    this.aedes.handle(socket)
  }

  private authenticate(username: string | undefined, done: (error: null, success: boolean) => void): void {
    // Without credentials in the store nobody can be known: a user name is refused rather than ignored.
    done(null, this.options.settings.anonymous && (username === undefined || username === ''))
  }

  private authorizePublish(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void {
    // Wills have no command; those of QoS 2 have no second step either.
    const isWill = Reflect.get(packet, 'cmd') !== 'publish'
    // QoS 2 is judged and stored in the persistence, once for all its retransmissions.
    if (packet.qos === 2 && !isWill) return done(null)
    const clientId = client?.id ?? ''
    const { topic, qos, retain } = packet
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    if (client !== null) this.held.hold(client)
    this.options.publish({ topic, payload, qos, retain, clientId, packetId: undefined }, (outcome) => {
      if (client !== null) this.held.release(client)
      if (outcome !== 'deliver') neutralise(packet)
      if (outcome === 'unavailable') return client === null || isWill ? done(null) : this.refuse(client, outcome)
      done(null)
      if (outcome === 'disconnect' && client !== null) this.refuse(client, outcome)
    })
  }

  private refuse(client: Client, outcome: PublishOutcome): void {
    if (outcome === 'unavailable') closeWithoutWill(client)
    else setImmediate(() => client.close())
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

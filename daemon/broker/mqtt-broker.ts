import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { systemTimers, type Timers } from '../core/timers.ts'
import type { PublishPort, SessionStore } from '../ports/publication.ts'
import type { BrokerSettings } from '../settings/sections/broker-settings.ts'
import { AedesBroker } from './aedes/aedes-broker.ts'
import { ConnectionTraces } from './connection-traces.ts'
import type { BrokerConnection, ConnectedClient } from './listeners/broker-connection.ts'
import { ConnectionCaps } from './listeners/connection-caps.ts'
import { MqttListeners } from './listeners/mqtt-listeners.ts'
import { RejectionNotices } from './rejection-notices.ts'
import { HeldClients } from './sessions/held-clients.ts'

export interface MqttBrokerOptions {
  settings: BrokerSettings
  publish: PublishPort
  store: SessionStore
  isFull: () => boolean
  clock: Clock
  /** The system's, if not given. */
  timers?: Timers
  logger: Logger
  /** A client has connected or disconnected. */
  onClient?: (client: ConnectedClient, state: 'connected' | 'disconnected') => void
}

/** The broker that devices publish to. Acknowledges a message only after the publish port has answered for it. */
export class MqttBroker {
  readonly notices: RejectionNotices
  readonly caps: ConnectionCaps
  readonly traces: ConnectionTraces
  private readonly listeners: MqttListeners
  private readonly broker: AedesBroker
  private readonly held: HeldClients

  private constructor({ isFull, timers = systemTimers, ...options }: MqttBrokerOptions) {
    const { settings, clock, logger } = options
    this.held = new HeldClients(clock, timers, isFull)
    this.traces = new ConnectionTraces(clock, logger)
    this.broker = new AedesBroker({ ...options, held: this.held, traces: this.traces })
    this.caps = new ConnectionCaps(settings)
    this.listeners = new MqttListeners({
      settings,
      caps: this.caps,
      traces: this.traces,
      logger,
      serve: (connection) => this.broker.serve(connection),
      onTooLarge: (connection, declared) => this.broker.closedForSize(connection, declared),
    })
    this.notices = new RejectionNotices(
      clock,
      (clientId, code, topic) => this.traces.message(this.broker.whoIs(clientId), code, topic),
      (topic, payload) => this.deliver(topic, Buffer.from(payload), 0, false),
    )
  }

  /** Ready to serve connections; `listen` opens the listeners. */
  static async create(options: MqttBrokerOptions): Promise<MqttBroker> {
    const broker = new MqttBroker(options)
    await broker.broker.start()
    return broker
  }

  /** Opens every listener. Throws `listen-failed`. Resolves to the ports. */
  listen(): Promise<number[]> {
    return this.listeners.open()
  }

  get clients(): number {
    return this.broker.clients
  }

  /** At most `limit` clients, in the order in which they connected. */
  clientList(limit: number): ConnectedClient[] {
    return this.broker.clientList(limit)
  }

  /** Connections closed because the store was full. */
  get closedWhileFull(): number {
    return this.held.closed
  }

  /** Connections closed because a packet declared more than `maxPacketSize`. */
  get closedForSize(): number {
    return this.listeners.closedForSize
  }

  /** Delivers a message that is already durable to local subscribers. */
  deliver(topic: string, payload: Buffer, qos: 0 | 1 | 2, retain: boolean): void {
    this.broker.deliver(topic, payload, qos, retain)
  }

  /** Resolves when a message has passed through the broker. */
  alive(): Promise<boolean> {
    return this.broker.alive()
  }

  /** Adopts an open connection (MQTT over WebSocket). Returns false when a connection limit is reached. */
  accept(connection: BrokerConnection): boolean {
    return this.listeners.accept(connection)
  }

  /** Takes no more connections or messages. Messages that were taken are still answered. */
  stopListening(): Promise<void> {
    this.listeners.stop()
    return Promise.resolve()
  }

  async close(): Promise<void> {
    this.held.stop()
    await this.broker.close()
    this.listeners.destroyConnections()
  }
}

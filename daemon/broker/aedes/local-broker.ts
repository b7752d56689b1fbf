import { Aedes, type AedesOptions, type AedesPublishPacket, type Client, type PublishPacket } from 'aedes'
import type { Logger } from '../../core/logger.ts'
import type { BrokerConnection } from '../listeners/broker-connection.ts'
import type { Audience } from '../sessions/audience.ts'
import { useLeanParser } from './lean-parser.ts'
import { LocalDelivery, type DeliveryParts, type LocalMessage } from './local-delivery.ts'

type Done = (error?: Error) => void
type Deliver = (packet: AedesPublishPacket, done: () => void) => void

export interface LocalBrokerOptions {
  aedes: AedesOptions
  audience: Audience
  logger: Logger
  /** A client connects under the id of one that is still connected, and is closed for it [MQTT-3.1.4-2]. */
  onTakeover: (client: Client, by: Client) => void
}

/**
 * Aedes as the part that speaks MQTT: clients' messages are delivered from their commit by LocalDelivery, not from here. Most
 * messages of a gateway are only forwarded; each would cost two walks through tries, two promises and a packet (`ingest: CPU a message`).
 */
export class LocalBroker extends Aedes implements DeliveryParts {
  declare readonly mq: DeliveryParts['mq']
  declare readonly persistence: DeliveryParts['persistence']
  private readonly audience: Audience
  private readonly delivery: LocalDelivery
  private readonly onTakeover: LocalBrokerOptions['onTakeover']

  constructor({ aedes, audience, logger, onTakeover }: LocalBrokerOptions) {
    super(aedes)
    this.audience = audience
    this.delivery = new LocalDelivery(this, audience, logger)
    this.onTakeover = onTakeover
  }

  serve(connection: BrokerConnection): Client {
    const client = this.handle(connection)
    useLeanParser(client)
    return client
  }

  /** Of a message that is durable. `done` is called when every subscriber that is connected has been written to. */
  deliver(message: LocalMessage, done: () => void): void {
    this.delivery.deliver(message, done)
  }

  /** Aedes calls this with a client, which its types leave out; what it would deliver for one has been delivered. */
  override publish(packet: PublishPacket, client: Client | Done | null, done?: Done): void {
    if (done === undefined || typeof client === 'function' || client === null)
      return Reflect.apply(super.publish, this, [packet, client, done])
    done()
  }

  override subscribe(topic: string, deliver: Deliver, done: () => void): void {
    this.audience.join(topic, deliver)
    super.subscribe(topic, deliver, done)
  }

  /** Done at once: in the turn that Aedes takes, a SUBSCRIBE that comes in one segment with the UNSUBSCRIBE would be lost. */
  override unsubscribe(topic: string, deliver: Deliver, done?: () => void): void {
    this.audience.leave(topic, deliver)
    super.unsubscribe(topic, deliver, () => undefined)
    done?.()
  }

  /** Aedes calls this with each client that has been let in. Not in its types. */
  registerClient(client: Client): void {
    const present = this.clients[client.id]
    if (present !== undefined) this.onTakeover(present, client)
    Reflect.apply(registerClient, this, [client])
  }

  /** Connected clients by id. Not in Aedes' types. */
  declare readonly clients: Readonly<Record<string, Client | undefined>>
}

const registerClient = Reflect.get(Aedes.prototype, 'registerClient') as (client: Client) => void

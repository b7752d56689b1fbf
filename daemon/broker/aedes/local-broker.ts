import { Aedes, type AedesOptions, type AedesPublishPacket, type Client, type PublishPacket } from 'aedes'
import type { BrokerConnection } from '../listeners/broker-connection.ts'
import type { Audience } from '../sessions/audience.ts'
import { useLeanParser } from './lean-parser.ts'

type Done = (error?: Error) => void
type Deliver = (packet: AedesPublishPacket, done: () => void) => void

/**
 * Aedes, which ends a client's PUBLISH at once where it has no local subscriber. Most messages of a gateway are only forwarded, and
 * each would cost two walks through tries, two promises and a packet (`ingest: CPU a message`).
 */
export class LocalBroker extends Aedes {
  private readonly audience: Audience

  constructor(options: AedesOptions, audience: Audience) {
    super(options)
    this.audience = audience
  }

  serve(connection: BrokerConnection): void {
    useLeanParser(this.handle(connection))
  }

  override publish(packet: PublishPacket, client: Client | Done | null, done?: Done): void {
    if (done === undefined || typeof client === 'function' || client === null) return this.pass(packet, client, done)
    if (packet.retain || this.audience.hears(packet.topic)) return this.pass(packet, client, done)
    done()
  }

  override subscribe(topic: string, deliver: Deliver, done: () => void): void {
    this.audience.join(topic)
    super.subscribe(topic, deliver, done)
  }

  override unsubscribe(topic: string, deliver: Deliver, done: () => void): void {
    this.audience.leave(topic)
    super.unsubscribe(topic, deliver, done)
  }

  /** Aedes calls `publish` with a client, which its types leave out. */
  private pass(...call: [PublishPacket, Client | Done | null, Done?]): void {
    Reflect.apply(super.publish, this, call)
  }
}

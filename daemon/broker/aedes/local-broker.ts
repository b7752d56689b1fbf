import './lean-parser.ts'
import { Aedes, type AedesOptions, type AedesPublishPacket, type Client, type PublishPacket } from 'aedes'
import type { Audience } from './audience.ts'

type Done = (error?: Error) => void
type Deliver = (packet: AedesPublishPacket, done: () => void) => void

/**
 * Aedes, but what a client publishes and nobody here listens to goes no further: most messages of a gateway are only forwarded,
 * and finding nobody costs Aedes two walks through its tries, two promises and a packet each.
 */
export class LocalBroker extends Aedes {
  private readonly audience: Audience

  constructor(options: AedesOptions, audience: Audience) {
    super(options)
    this.audience = audience
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

  /** As Aedes calls it for itself, with a client that its types do not tell of. */
  private pass(...call: [PublishPacket, Client | Done | null, Done?]): void {
    Reflect.apply(super.publish, this, call)
  }
}

import type { AedesPublishPacket, PublishPacket, Subscription } from 'aedes'
import { messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Audience } from '../sessions/audience.ts'
import { startsWithWildcard } from '../topic-rules.ts'
import { aedesRequire } from './known-versions.ts'

/** The parts of Aedes that a message passes through on its way to local subscribers. */
export interface DeliveryParts {
  /** Which connected client subscribes to what. `done` is called when every one of them has been written to. */
  readonly mq: { emit(packet: AedesPublishPacket, done: () => void): void }
  readonly persistence: {
    storeRetained(packet: AedesPublishPacket): Promise<void>
    subscriptionsByTopic(topic: string): Promise<Subscription[]>
    outgoingEnqueueCombi(subscriptions: readonly Subscription[], packet: AedesPublishPacket): Promise<void>
  }
}

export type LocalMessage = Pick<PublishPacket, 'topic' | 'payload' | 'qos' | 'retain'>

const Packet = aedesRequire('aedes-packet') as new (message: LocalMessage, broker: object) => AedesPublishPacket

interface Waiting {
  message: LocalMessage
  done: () => void
}

/**
 * Takes durable messages to local subscribers and to the retained messages, in the order of the calls, which is the order of their
 * commits. Aedes itself delivers after its acknowledgement and only while the publisher is connected, and lets a message of QoS 0
 * overtake one of QoS 1, whose later copy it then takes for a repetition.
 */
export class LocalDelivery {
  private readonly parts: DeliveryParts
  private readonly audience: Audience
  private readonly logger: Logger
  private readonly waiting: Waiting[] = []
  private busy = false

  constructor(parts: DeliveryParts, audience: Audience, logger: Logger) {
    this.parts = parts
    this.audience = audience
    this.logger = logger
  }

  /** `done` is called when every subscriber that is connected has been written to. */
  deliver(message: LocalMessage, done: () => void): void {
    if (message.retain)
      this.parts.persistence.storeRetained(new Packet(message, this.parts)).catch((error: unknown) => this.fail(error))
    if (!this.audience.hears(message.topic)) return done()
    this.waiting.push({ message, done })
    this.pass()
  }

  private pass(): void {
    if (this.busy) return
    this.busy = true
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      const { message, done } = next
      // Numbered as late as possible, because clients take a lower number than the last one for a repetition.
      const packet = new Packet(message, this.parts)
      if (packet.qos > 0) {
        void this.enqueue(packet).then(() => {
          this.emit(packet, done)
          this.busy = false
          this.pass()
        })
        return
      }
      this.emit(packet, done)
    }
    this.busy = false
  }

  /** A subscriber that fails must not end the delivery to all others. */
  private emit(packet: AedesPublishPacket, done: () => void): void {
    try {
      this.parts.mq.emit(packet, done)
    } catch (error) {
      this.fail(error)
      done()
    }
  }

  /** Into the queues of sessions that outlive their connection. */
  private async enqueue(packet: AedesPublishPacket): Promise<void> {
    const { persistence } = this.parts
    try {
      const subscriptions = await persistence.subscriptionsByTopic(packet.topic)
      // A filter that starts with a wildcard matches no topic that starts with $ [MQTT-4.7.2-1].
      const heard = packet.topic.startsWith('$')
        ? subscriptions.filter(({ topic }) => !startsWithWildcard(topic))
        : subscriptions
      await persistence.outgoingEnqueueCombi(heard, packet)
    } catch (error) {
      this.fail(error)
    }
  }

  private fail(error: unknown): void {
    this.logger.warn({ err: error }, `local delivery failed: ${messageOf(error)}`)
  }
}

import type { Client, PublishPacket } from 'aedes'
import type { PublishInput, PublishOutcome, PublishPort } from '../../ports/publication.ts'
import type { Audience } from '../sessions/audience.ts'
import type { HeldClients } from '../sessions/held-clients.ts'
import { stateOf } from './clients.ts'
import { neutralise } from './neutralise.ts'
import type { PubackBatch } from './puback-batch.ts'

type Done = (error?: Error | null) => void

/**
 * Bytes of one client that may wait for their commit while more is read from it. Beyond, the callback is withheld: Aedes stops
 * reading until all that it has read is answered, and TCP pushes back.
 */
const READ_AHEAD_BYTES = 64 * 1024
/** Memory of a message beside its payload. */
const MESSAGE_BYTES = 512

export interface PublicationsOptions {
  publish: PublishPort
  audience: Audience
  held: HeldClients
  pubacks: PubackBatch
}

/** Takes each PUBLISH from Aedes to the publish port, and the outcome back to the client. */
export class Publications {
  private readonly options: PublicationsOptions
  private finished: Done[] = []

  constructor(options: PublicationsOptions) {
    this.options = options
  }

  /** Aedes' `authorizePublish`: for QoS 0, QoS 1 and wills. Its callback lets Aedes acknowledge and deliver [MQTT-4.3.2-2]. */
  authorize(client: Client | null, packet: PublishPacket, done: Done): void {
    const { topic, qos, retain } = packet
    const isWill = client === null || isWillPacket(packet)
    // QoS 2 is judged and stored in the persistence, once for all retransmissions.
    if (qos === 2 && !isWill) return done(null)
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    if (isWill) {
      const input = { topic, payload, qos, retain, clientId: client?.id ?? '', packetId: undefined }
      return this.publishWill(input, packet, done)
    }
    const state = stateOf(client)
    const { trail } = state
    const input = { topic, payload, qos, retain, clientId: client.id, packetId: undefined, trail }
    const bytes = payload.length + MESSAGE_BYTES
    const readsOn = this.options.held.hold(state, bytes) <= READ_AHEAD_BYTES
    if (!readsOn || !this.isUnheard(client, packet)) return this.publishHeld(input, client, packet, bytes, done)
    this.options.publish(input, this.answerTo(client, qos === 1 ? packet.messageId : undefined, bytes))
    // Neutralised, because Aedes goes on with it before it is stored, and a subscription may be made in between.
    neutralise(packet)
    packet.qos = 0
    this.finishSoon(done)
  }

  refuse(client: Client, outcome: PublishOutcome): void {
    if (outcome === 'unavailable') stateOf(client).closeWithoutWill()
    else setImmediate(() => client.close())
  }

  private publishWill(input: PublishInput, packet: PublishPacket, done: Done): void {
    this.options.publish(input, (outcome) => {
      if (outcome !== 'deliver') neutralise(packet)
      done(null)
    })
  }

  /** Withholds the callback until the message is stored; then Aedes delivers it. */
  private publishHeld(input: PublishInput, client: Client, packet: PublishPacket, bytes: number, done: Done): void {
    this.options.publish(input, (outcome) => {
      this.options.held.release(stateOf(client), bytes)
      if (outcome === 'unavailable') return this.refuse(client, outcome)
      if (outcome !== 'deliver') neutralise(packet)
      if (packet.qos === 1) this.acknowledge(client, packet)
      done(null)
      if (outcome === 'disconnect') this.refuse(client, outcome)
    })
  }

  /** Whether the message has no local subscriber, and its PUBACK can leave with the others of its commit. */
  private isUnheard(client: Client, { topic, retain }: PublishPacket): boolean {
    return !retain && !this.options.audience.hears(topic) && this.options.pubacks.takes(client)
  }

  /**
   * Answers for a message that Aedes has already finished with. Otherwise Aedes would keep a packet and a dozen objects until the
   * commit, which outlive the young generation (`ingest: CPU a message`, `forward: peak RSS`).
   */
  private answerTo(client: Client, messageId: number | undefined, bytes: number): (outcome: PublishOutcome) => void {
    return (outcome) => {
      this.options.held.release(stateOf(client), bytes)
      if (outcome === 'unavailable') return this.refuse(client, outcome)
      if (messageId !== undefined) this.options.pubacks.add(client, messageId)
      if (outcome === 'disconnect') this.refuse(client, outcome)
    }
  }

  /** In the next tick: within the call Aedes would read on while its parser is still in the middle of a packet. */
  private finishSoon(done: Done): void {
    if (this.finished.push(done) > 1) return
    process.nextTick(() => {
      const { finished } = this
      this.finished = []
      for (const one of finished) one(null)
    })
  }

  /** Without local subscribers, the PUBACK leaves with the others of its commit, and QoS 0 leaves Aedes nothing to acknowledge. */
  private acknowledge(client: Client, packet: PublishPacket): void {
    const { pubacks } = this.options
    if (this.isUnheard(client, packet)) {
      pubacks.add(client, packet.messageId ?? 0)
      packet.qos = 0
    } else pubacks.flushOf(client)
  }
}

/** A will has no `cmd`, and one of QoS 2 has no second step. */
function isWillPacket(packet: PublishPacket): boolean {
  return Reflect.get(packet, 'cmd') !== 'publish'
}

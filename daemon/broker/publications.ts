import type { Client, PublishPacket } from 'aedes'
import type { PublishInput, PublishOutcome, PublishPort } from '../ports/publication.ts'
import type { Audience } from './aedes/audience.ts'
import { neutralise } from './aedes/neutralise.ts'
import type { PubackBatch } from './aedes/puback-batch.ts'
import { stateOf } from './sessions/client-state.ts'
import { closeWithoutWill, type HeldClients } from './sessions/held-clients.ts'

type Done = (error?: Error | null) => void

/**
 * Bytes of one client that may wait for their commit while more is read from it. Beyond, Aedes waits too, which stops reading until
 * all that it has is answered: TCP pushes back.
 */
const READ_AHEAD_BYTES = 64 * 1024
/** What a message takes in memory beside its payload. */
const MESSAGE_BYTES = 512

export interface PublicationsOptions {
  publish: PublishPort
  audience: Audience
  held: HeldClients
  pubacks: PubackBatch
}

/** The way of a PUBLISH from Aedes to the publish port, and of the outcome back to the client. */
export class Publications {
  private readonly options: PublicationsOptions
  private finished: Done[] = []

  constructor(options: PublicationsOptions) {
    this.options = options
  }

  /** As Aedes' `authorizePublish`: QoS 0, QoS 1, and wills, whose connection is gone. */
  take(client: Client | null, packet: PublishPacket, done: Done): void {
    const { topic, qos, retain } = packet
    const isWill = client === null || isWillPacket(packet)
    // QoS 2 is judged and stored in the persistence, once for all its retransmissions.
    if (qos === 2 && !isWill) return done(null)
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    if (isWill) {
      const input = { topic, payload, qos, retain, clientId: client?.id ?? '', packetId: undefined }
      return this.publishWill(input, packet, done)
    }
    const { trail } = stateOf(client)
    const input = { topic, payload, qos, retain, clientId: client.id, packetId: undefined, trail }
    const bytes = payload.length + MESSAGE_BYTES
    const readsOn = this.options.held.hold(client, bytes) <= READ_AHEAD_BYTES
    if (!readsOn || !this.isForNobody(client, packet)) return this.publishHeld(input, client, packet, bytes, done)
    this.options.publish(input, this.answer(client, qos === 1 ? packet.messageId : undefined, bytes))
    // Not the packet as it is: somebody may subscribe before Aedes goes on with it, which is before it is stored.
    neutralise(packet)
    packet.qos = 0
    this.finishSoon(done)
  }

  refuse(client: Client, outcome: PublishOutcome): void {
    if (outcome === 'unavailable') closeWithoutWill(client)
    else setImmediate(() => client.close())
  }

  private publishWill(input: PublishInput, packet: PublishPacket, done: Done): void {
    this.options.publish(input, (outcome) => {
      if (outcome !== 'deliver') neutralise(packet)
      done(null)
    })
  }

  /** Aedes waits with the packet until it is stored, and delivers it then. */
  private publishHeld(input: PublishInput, client: Client, packet: PublishPacket, bytes: number, done: Done): void {
    this.options.publish(input, (outcome) => {
      this.options.held.release(client, bytes)
      if (outcome === 'unavailable') return this.refuse(client, outcome)
      if (outcome !== 'deliver') neutralise(packet)
      if (packet.qos === 1) this.acknowledge(client, packet)
      done(null)
      if (outcome === 'disconnect') this.refuse(client, outcome)
    })
  }

  /** Nobody here is to get it (who subscribes later did not yet listen), and the connection takes acknowledgements. */
  private isForNobody(client: Client, { topic, retain }: PublishPacket): boolean {
    return !retain && !this.options.audience.hears(topic) && this.options.pubacks.takes(client)
  }

  /**
   * The rest of what Aedes has let go of: it would keep a packet and a dozen objects until the commit, which outlive the young
   * generation, where an id is enough.
   */
  private answer(client: Client, messageId: number | undefined, bytes: number): (outcome: PublishOutcome) => void {
    return (outcome) => {
      this.options.held.release(client, bytes)
      if (outcome === 'unavailable') return this.refuse(client, outcome)
      if (messageId !== undefined) this.options.pubacks.add(client, messageId)
      if (outcome === 'disconnect') this.refuse(client, outcome)
    }
  }

  /** Not within the call: Aedes would read on while its parser is still in the middle of a packet. */
  private finishSoon(done: Done): void {
    if (this.finished.push(done) > 1) return
    process.nextTick(() => {
      const { finished } = this
      this.finished = []
      for (const one of finished) one(null)
    })
  }

  /** Where nobody here is to get the message, its PUBACK leaves with the others of the commit and Aedes has nothing left to do. */
  private acknowledge(client: Client, packet: PublishPacket): void {
    const { pubacks } = this.options
    if (this.isForNobody(client, packet)) {
      pubacks.add(client, packet.messageId ?? 0)
      packet.qos = 0
    } else pubacks.flushOf(client)
  }
}

/** Wills have no command; those of QoS 2 have no second step either. */
function isWillPacket(packet: PublishPacket): boolean {
  return Reflect.get(packet, 'cmd') !== 'publish'
}

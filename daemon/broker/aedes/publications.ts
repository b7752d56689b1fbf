import type { Client, PublishPacket } from 'aedes'
import type { PublishInput, PublishOutcome, PublishPort } from '../../ports/publication.ts'
import type { Audience } from '../sessions/audience.ts'
import type { HeldClients } from '../sessions/held-clients.ts'
import { stateOf, type AedesClientState } from './clients.ts'
import type { LocalMessage } from './local-delivery.ts'
import type { PubackBatch } from './puback-batch.ts'

type Done = (error?: Error | null) => void

/**
 * Bytes of one client that may wait, for their commit or for slow subscribers, while more is read from it. Beyond, the callback is
 * withheld: Aedes stops reading until all that it has read is answered, and TCP pushes back.
 */
const READ_AHEAD_BYTES = 64 * 1024
/** Memory of a message beside its payload. */
const MESSAGE_BYTES = 512

export interface PublicationsOptions {
  publish: PublishPort
  audience: Audience
  held: HeldClients
  pubacks: PubackBatch
  /** To local subscribers; see LocalDelivery. */
  deliver: (message: LocalMessage, done: () => void) => void
}

/**
 * Takes each PUBLISH from Aedes to the publish port, and the outcome back to the client. A message is delivered and retained from
 * its commit, whether or not its publisher is still connected; Aedes only acknowledges.
 */
export class Publications {
  private readonly options: PublicationsOptions
  private finished: Done[] = []

  constructor(options: PublicationsOptions) {
    this.options = options
  }

  /** Aedes' `authorizePublish`: for QoS 0, QoS 1 and wills. Its callback lets Aedes read on [MQTT-4.3.2-2]. */
  authorize(client: Client | null, packet: PublishPacket, done: Done): void {
    if (client === null || isWillPacket(packet)) return this.publishWill(client?.id ?? '', packet, done)
    const { topic, qos, retain } = packet
    // QoS 2 is judged and stored in the persistence, once for all retransmissions.
    if (qos === 2) return done(null)
    const { audience, held, publish, pubacks } = this.options
    const payload = bytesOf(packet)
    const state = stateOf(client)
    const { trail } = state
    const packetId = qos === 1 ? packet.messageId : undefined
    const input = { topic, payload, qos, retain, clientId: client.id, packetId, trail }
    const bytes = payload.length + MESSAGE_BYTES
    const readsOn = held.hold(state, bytes, qos) <= READ_AHEAD_BYTES && pubacks.takes(client)
    if (!readsOn) return this.publishHeld(input, client, packet, bytes, done)
    // A message without a local subscriber is not kept until its commit (`ingest: CPU a message`, `forward: peak RSS`).
    if (retain || audience.hears(topic)) publish(input, this.deliverAndAnswer(client, input, bytes))
    else publish(input, this.answerTo(client, packetId, bytes))
    // Leaves Aedes nothing to acknowledge.
    packet.qos = 0
    this.finishSoon(done)
  }

  /** Stores a message of QoS 2. Resolves when it is stored, rejects when it could not be stored. */
  take(client: Client, packet: PublishPacket): Promise<void> {
    const { topic, retain } = packet
    const payload = bytesOf(packet)
    const state = stateOf(client)
    const { trail } = state
    const input = { topic, payload, qos: 2, retain, clientId: client.id, packetId: packet.messageId, trail } as const
    const bytes = payload.length + MESSAGE_BYTES
    this.options.held.hold(state, bytes, 2)
    return new Promise((resolve, reject) => {
      this.options.publish(input, (outcome) => {
        this.options.held.answered(state, 2)
        if (outcome === 'deliver') {
          // The PUBREC waits for the commit, not for those who read.
          this.deliver(state, input, bytes)
          return resolve()
        }
        this.options.held.free(state, bytes)
        if (outcome === 'unavailable') reject(new Error('not stored'))
        else resolve()
        this.refuse(client, outcome)
      })
    })
  }

  private publishWill(clientId: string, packet: PublishPacket, done: Done): void {
    const { topic, qos, retain } = packet
    const input = { topic, payload: bytesOf(packet), qos, retain, clientId, packetId: undefined }
    this.options.publish(input, (outcome) => {
      if (outcome === 'deliver') this.options.deliver(input, () => undefined)
      done(null)
    })
  }

  /** Withholds the callback until the message is stored and delivered. */
  private publishHeld(input: PublishInput, client: Client, packet: PublishPacket, bytes: number, done: Done): void {
    const state = stateOf(client)
    const readOn = withhold(state, done)
    this.options.publish(input, (outcome) => {
      this.options.held.answered(state, input.qos)
      if (outcome !== 'unavailable') this.acknowledge(client, packet)
      // Aedes writes a PUBACK that it has been left to, and waits until the connection drains.
      if (packet.qos === 1) readOn()
      if (outcome === 'deliver') return this.deliver(state, input, bytes, readOn)
      this.options.held.free(state, bytes)
      if (outcome !== 'unavailable' || input.qos === 0) readOn()
      this.refuse(client, input.qos === 0 && outcome === 'unavailable' ? 'dropped' : outcome)
    })
  }

  /** Answers for a message that Aedes has already finished with, and that has no local subscriber. */
  private answerTo(client: Client, packetId: number | undefined, bytes: number): (outcome: PublishOutcome) => void {
    return (outcome) => {
      const state = stateOf(client)
      this.options.held.answered(state, packetId === undefined ? 0 : 1)
      this.options.held.free(state, bytes)
      this.finish(client, packetId, outcome)
    }
  }

  /** The same for one that is retained or has a local subscriber. */
  private deliverAndAnswer(client: Client, input: PublishInput, bytes: number): (outcome: PublishOutcome) => void {
    return (outcome) => {
      const state = stateOf(client)
      this.options.held.answered(state, input.qos)
      if (outcome === 'deliver') this.deliver(state, input, bytes)
      else this.options.held.free(state, bytes)
      this.finish(client, input.packetId, outcome)
    }
  }

  private finish(client: Client, packetId: number | undefined, outcome: PublishOutcome): void {
    if (packetId !== undefined && outcome !== 'unavailable') this.options.pubacks.add(client, packetId)
    // Nothing waits for the acknowledgement of QoS 0: it is dropped.
    if (outcome === 'disconnect' || packetId !== undefined) this.refuse(client, outcome)
  }

  private deliver(state: AedesClientState, message: LocalMessage, bytes: number, done?: () => void): void {
    this.options.deliver(message, () => {
      this.options.held.free(state, bytes)
      done?.()
    })
  }

  /** Closes the connection where the outcome says so. */
  private refuse(client: Client, outcome: PublishOutcome): void {
    if (outcome === 'unavailable') stateOf(client).closeWithoutWill('not-stored')
    if (outcome !== 'disconnect') return
    stateOf(client).onClosing(client, 'message-refused')
    setImmediate(() => client.close())
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

  /** The PUBACK leaves with the others of its commit, unless Aedes has to write it because it waits for `drain`. */
  private acknowledge(client: Client, packet: PublishPacket): void {
    if (packet.qos !== 1) return
    const { pubacks } = this.options
    if (!pubacks.takes(client)) return pubacks.flushOf(client)
    pubacks.add(client, packet.messageId ?? 0)
    packet.qos = 0
  }
}

function withhold(state: AedesClientState, done: Done): () => void {
  const withheld = (state.withheld ??= new Set())
  const readOn = (): void => {
    if (withheld.delete(readOn)) done(null)
  }
  withheld.add(readOn)
  return readOn
}

/** A will has no `cmd`, and one of QoS 2 has no second step. */
function isWillPacket(packet: PublishPacket): boolean {
  return Reflect.get(packet, 'cmd') !== 'publish'
}

function bytesOf({ payload }: PublishPacket): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : payload
}

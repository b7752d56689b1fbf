import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import type { AedesPublishPacket, Client, Subscription } from 'aedes'
import type { PublishOutcome, PublishPort, SessionStore } from '../../ports/publication.ts'
import type { Audience } from '../sessions/audience.ts'
import { stateOf } from './clients.ts'
import { neutralise } from './neutralise.ts'

/** The part of Aedes' memory persistence that is used here; the package's types describe an ES module, which it is not. */
export interface Persistence {
  storeRetained(packet: AedesPublishPacket): Promise<void>
  addSubscriptions(client: Client, subscriptions: readonly Subscription[]): Promise<void>
  removeSubscriptions(client: Client, filters: readonly string[]): Promise<void>
  cleanSubscriptions(client: Client): Promise<void>
}

export interface SessionPersistenceOptions {
  publish: PublishPort
  store: SessionStore
  limits: { readonly maxRetained: number }
  /** Learns the subscriptions of sessions that outlive their connection. */
  audience: Audience
  onRefused: (client: Client, outcome: PublishOutcome) => void
}

/** Overridden methods belong to the contract of a persistence (`aedes-persistence/abstract.js`); no private part is touched. */
const memory = createRequire(import.meta.url)('aedes-persistence') as () => Persistence

/** Packet ids that await their PUBREL; a promise while the message is being stored. */
type Incoming = Map<number, Promise<void> | undefined>

/**
 * A persistence for Aedes: sessions are in memory, but a QoS 2 message is stored through the publish port before its PUBREC, and its
 * packet id is in the database until its PUBREL. A packet id that is known is acknowledged, not stored again [MQTT-4.3.3-2].
 */
export function sessionPersistence(options: SessionPersistenceOptions): Persistence {
  const { publish, store, limits, audience, onRefused } = options
  const persistence = memory()
  const incoming = new Map<string, Incoming>()
  const retained = new Set<string>()
  const storeRetained = persistence.storeRetained.bind(persistence)
  const addSubscriptions = persistence.addSubscriptions.bind(persistence)
  const removeSubscriptions = persistence.removeSubscriptions.bind(persistence)
  const cleanSubscriptions = persistence.cleanSubscriptions.bind(persistence)
  for (const [clientId, packetIds] of store.incoming)
    incoming.set(clientId, new Map([...packetIds].map((id) => [id, undefined])))

  const overrides = {
    async incomingStorePacket(client: Client, packet: AedesPublishPacket): Promise<void> {
      const packetId = packet.messageId ?? 0
      const known: Incoming = incoming.get(client.id) ?? new Map()
      incoming.set(client.id, known)
      const stored = new Promise<void>((resolve, reject) => {
        const { topic, retain } = packet
        const { trail } = stateOf(client)
        publish(
          { topic, payload: bytesOf(packet.payload), qos: 2, retain, clientId: client.id, packetId, trail },
          (outcome) => {
            if (outcome === 'unavailable') {
              known.delete(packetId)
              onRefused(client, outcome)
              reject(new Error('not stored'))
              return
            }
            known.set(packetId, undefined)
            if (outcome !== 'deliver') neutralise(packet)
            if (outcome === 'disconnect') onRefused(client, outcome)
            resolve()
          },
        )
      })
      // A retransmission that arrives while the message is being stored waits for the same commit.
      known.set(packetId, stored)
      await stored
    },

    async incomingGetPacket(client: Client, packet: { messageId?: number }): Promise<object> {
      const known = incoming.get(client.id)
      const packetId = packet.messageId ?? 0
      if (known?.has(packetId) !== true) throw new Error('no such packet')
      await known.get(packetId)
      return packet
    },

    async incomingDelPacket(client: Client, packet: { messageId?: number }): Promise<void> {
      const known = incoming.get(client.id)
      const packetId = packet.messageId ?? 0
      if (known?.delete(packetId) !== true) throw new Error('no such packet')
      if (known.size === 0) incoming.delete(client.id)
      // PUBCOMP lets the client reuse the id [MQTT-2.3.1-4]: by then the stored id must be gone.
      await new Promise<void>((resolve) => store.forgetIncoming(client.id, packetId, resolve))
    },

    async cleanIncoming(client: Client): Promise<void> {
      if (incoming.delete(client.id)) store.clearIncoming(client.id)
    },

    async storeRetained(packet: AedesPublishPacket): Promise<void> {
      // An empty payload removes the retained message [MQTT-3.3.1-10].
      if (packet.payload.length === 0) retained.delete(packet.topic)
      else if (retained.size >= limits.maxRetained && !retained.has(packet.topic)) return
      else retained.add(packet.topic)
      await storeRetained(packet)
    },

    async addSubscriptions(client: Client, subscriptions: readonly Subscription[]): Promise<void> {
      audience.joinSession(
        client.id,
        subscriptions.map(({ topic }) => topic),
      )
      await addSubscriptions(client, subscriptions)
    },

    async removeSubscriptions(client: Client, filters: readonly string[]): Promise<void> {
      audience.leaveSession(client.id, filters)
      await removeSubscriptions(client, filters)
    },

    /** A clean session begins or ends [MQTT-3.1.2-6]. */
    async cleanSubscriptions(client: Client): Promise<void> {
      audience.leaveSession(client.id)
      await cleanSubscriptions(client)
    },

    // Aedes publishes the wills of brokers that it has not heard of for a while, and a step of the clock would make it think so of
    // itself. There is one broker, which publishes the will of each connection when it breaks.
    streamWill(): Readable {
      return Readable.from([])
    },
  }
  return Object.assign(persistence, overrides)
}

function bytesOf(payload: string | Buffer): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : payload
}

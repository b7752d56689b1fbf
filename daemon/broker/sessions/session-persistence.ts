import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import type { AedesPublishPacket, Client, Subscription } from 'aedes'
import type { PublishOutcome, PublishPort, SessionStore } from '../../ports/publication.ts'
import type { Audience } from '../aedes/audience.ts'
import { neutralise } from '../aedes/neutralise.ts'
import { stateOf } from './client-state.ts'

/** What is used here of Aedes' memory persistence; the package's own types describe an ES module that it is not. */
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
  /** Is told what sessions that outlive their connection have subscribed to. */
  audience: Audience
  onRefused: (client: Client, outcome: PublishOutcome) => void
}

const memory = createRequire(import.meta.url)('aedes-persistence') as () => Persistence

type Incoming = Map<number, Promise<void> | undefined>

/**
 * Aedes' persistence: sessions in memory, but QoS 2 messages go through the publish port, and the packet ids of those that
 * await their PUBREL stand in the database. [MQTT-4.3.3-2]: a packet id that is known is acknowledged, not stored again.
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
      const known = incoming.get(client.id) ?? new Map<number, Promise<void> | undefined>()
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
      // A retransmission that comes while the first is being stored waits for it.
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
      // PUBCOMP lets the client use the id again: by then the old entry must be gone for good.
      await new Promise<void>((resolve) => store.forgetIncoming(client.id, packetId, resolve))
    },

    async cleanIncoming(client: Client): Promise<void> {
      if (incoming.delete(client.id)) store.clearIncoming(client.id)
    },

    async storeRetained(packet: AedesPublishPacket): Promise<void> {
      if (packet.payload.length === 0) retained.delete(packet.topic)
      else if (retained.size >= limits.maxRetained && !retained.has(packet.topic)) return
      else retained.add(packet.topic)
      await storeRetained(packet)
    },

    async addSubscriptions(client: Client, subscriptions: readonly Subscription[]): Promise<void> {
      audience.keep(
        client.id,
        subscriptions.map(({ topic }) => topic),
      )
      await addSubscriptions(client, subscriptions)
    },

    async removeSubscriptions(client: Client, filters: readonly string[]): Promise<void> {
      audience.forget(client.id, filters)
      await removeSubscriptions(client, filters)
    },

    async cleanSubscriptions(client: Client): Promise<void> {
      audience.forget(client.id)
      await cleanSubscriptions(client)
    },

    // Wills belong to connections of this one broker, which publishes them when they break; by the wall clock a step would.
    streamWill(): Readable {
      return Readable.from([])
    },
  }
  return Object.assign(persistence, overrides)
}

function bytesOf(payload: string | Buffer): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : payload
}

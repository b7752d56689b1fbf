import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { AedesPublishPacket, Client, PublishPacket, PubrelPacket, Subscription } from 'aedes'
import type { Audience } from '../sessions/audience.ts'
import type { IncomingIds, OpenId } from '../sessions/incoming-ids.ts'
import { startsWithWildcard } from '../topic-rules.ts'
import { stateOf } from './clients.ts'
import { NOWHERE } from './nowhere.ts'

/** The part of Aedes' memory persistence that is used here; the package's types describe an ES module, which it is not. */
export interface Persistence {
  storeRetained(packet: AedesPublishPacket): Promise<void>
  addSubscriptions(client: Client, subscriptions: readonly Subscription[]): Promise<void>
  removeSubscriptions(client: Client, filters: readonly string[]): Promise<void>
  cleanSubscriptions(client: Client): Promise<void>
  createRetainedStream(filter: string): AsyncIterable<AedesPublishPacket>
  subscriptionsByClient(client: Pick<Client, 'id'>): Promise<Subscription[]>
  outgoingUpdate(client: Client, packet: PubrelPacket | AedesPublishPacket): Promise<void>
}

export interface SessionPersistenceOptions {
  /** Stores a message of QoS 2; rejects if it could not be stored. */
  take: (client: Client, packet: AedesPublishPacket) => Promise<void>
  incoming: IncomingIds
  /** Of a SUBSCRIBE, Aedes hands on every filter as soon as one is granted. */
  isGranted: (subscription: Subscription) => boolean
  limits: { readonly maxRetained: number }
  /** Learns the subscriptions of sessions that outlive their connection. */
  audience: Audience
}

/** Overridden methods belong to the contract of a persistence (`aedes-persistence/abstract.js`); no private part is touched. */
const memory = createRequire(import.meta.url)('aedes-persistence') as () => Persistence

/**
 * A persistence for Aedes: sessions are in memory, but a QoS 2 message is stored through the publish port before its PUBREC, and its
 * packet id is in the database until its PUBREL. A message that is sent again is acknowledged, not stored again [MQTT-4.3.3-2].
 */
export function sessionPersistence(options: SessionPersistenceOptions): Persistence {
  const { take, incoming, isGranted, limits, audience } = options
  const persistence = memory()
  const retained = new Set<string>()
  const storeRetained = persistence.storeRetained.bind(persistence)
  const addSubscriptions = persistence.addSubscriptions.bind(persistence)
  const removeSubscriptions = persistence.removeSubscriptions.bind(persistence)
  const cleanSubscriptions = persistence.cleanSubscriptions.bind(persistence)
  const subscriptionsByClient = persistence.subscriptionsByClient.bind(persistence)
  const outgoingUpdate = persistence.outgoingUpdate.bind(persistence)

  const overrides = {
    async incomingStorePacket(client: Client, packet: AedesPublishPacket): Promise<void> {
      const packetId = packet.messageId ?? 0
      // A retransmission that arrives while the message is being stored waits for the same commit.
      const id: OpenId = { stored: take(client, packet), print: printOf(packet) }
      incoming.add(client.id, packetId, id)
      try {
        await id.stored
      } catch (error) {
        incoming.drop(client.id, packetId, id)
        throw error
      }
      id.stored = undefined
    },

    async incomingGetPacket(client: Client, packet: { messageId?: number } | PublishPacket): Promise<object> {
      const id = incoming.find(client.id, packet.messageId ?? 0)
      if (id === undefined || ('cmd' in packet && packet.cmd === 'publish' && !isResent(packet, id)))
        throw new Error('no such packet')
      await id.stored
      return packet
    },

    async incomingDelPacket(client: Client, packet: { messageId?: number }): Promise<void> {
      // PUBCOMP lets the client reuse the id [MQTT-2.3.1-4]: by then the stored id must be gone.
      await new Promise<void>((resolve, reject) => {
        const isKnown = incoming.release(client.id, packet.messageId ?? 0, resolve)
        if (!isKnown) reject(new Error('no such packet'))
      })
    },

    /** A clean session begins or ends. A client that was refused has none, and the id that it gave may be of another one. */
    async cleanIncoming(client: Client): Promise<void> {
      if (!stateOf(client).refused) incoming.clear(client.id)
    },

    async storeRetained(packet: AedesPublishPacket): Promise<void> {
      // An empty payload removes the retained message [MQTT-3.3.1-10].
      if (packet.payload.length === 0) retained.delete(packet.topic)
      else if (retained.size >= limits.maxRetained && !retained.has(packet.topic)) return
      else retained.add(packet.topic)
      await storeRetained(packet)
    },

    /** A filter that starts with a wildcard matches no topic that starts with $ [MQTT-4.7.2-1]. */
    createRetainedStreamCombi(filters: readonly string[]): Readable {
      return Readable.from(retainedFor(persistence, filters))
    },

    async addSubscriptions(client: Client, subscriptions: readonly Subscription[]): Promise<void> {
      const granted = subscriptions.filter(isGranted)
      audience.joinSession(
        client.id,
        granted.map(({ topic }) => topic),
      )
      if (audience.hasSession(client.id)) incoming.sessionSubscribes(client.id)
      await addSubscriptions(client, granted)
    },

    async removeSubscriptions(client: Client, filters: readonly string[]): Promise<void> {
      audience.leaveSession(client.id, filters)
      if (!audience.hasSession(client.id)) incoming.sessionHasNoSubscription(client.id)
      await removeSubscriptions(client, filters)
    },

    /** A clean session begins or ends [MQTT-3.1.2-6]. */
    async cleanSubscriptions(client: Client): Promise<void> {
      audience.leaveSession(client.id)
      incoming.sessionHasNoSubscription(client.id)
      await cleanSubscriptions(client)
    },

    /** Aedes takes a session for present if it has subscriptions; open packet ids are a session, too [MQTT-4.1.0-1]. */
    async subscriptionsByClient(client: Pick<Client, 'id'>): Promise<Subscription[]> {
      const subscriptions = await subscriptionsByClient(client)
      return subscriptions.length === 0 && incoming.isResumable(client.id) ? [NO_SUBSCRIPTION] : subscriptions
    },

    async outgoingUpdate(client: Client, packet: PubrelPacket | AedesPublishPacket): Promise<void> {
      if (packet.cmd !== 'pubrel') return outgoingUpdate(client, packet)
      // The memory persistence takes any two PUBRELs that wait for the same one, because neither has these two fields.
      Object.assign(packet, { brokerId: 'pubrel', brokerCounter: packet.messageId })
      // Retained messages are not in a session's queue. Their PUBREC is answered as any other [MQTT-4.3.3-1].
      await outgoingUpdate(client, packet).catch(() => undefined)
    },

    // Aedes publishes the wills of brokers that it has not heard of for a while, and a step of the clock would make it think so of
    // itself. There is one broker, which publishes the will of each connection when it breaks.
    streamWill(): Readable {
      return Readable.from([])
    },
  }
  return Object.assign(persistence, overrides)
}

async function* retainedFor(persistence: Persistence, filters: readonly string[]): AsyncGenerator<AedesPublishPacket> {
  for (const filter of filters)
    for await (const packet of persistence.createRetainedStream(filter))
      if (!packet.topic.startsWith('$') || !startsWithWildcard(filter)) yield packet
}

/** Never granted, so that it restores nothing. */
const NO_SUBSCRIPTION: Subscription = { topic: NOWHERE, qos: 0 }

/** Whether a PUBLISH under an open packet id is its message once more. Another message has lost its session, or broken the rules. */
function isResent(packet: PublishPacket, id: OpenId): boolean {
  const print = printOf(packet)
  // What a message of before the restart was is not known: then DUP decides [MQTT-3.3.1-1].
  if (id.print === undefined && packet.dup) id.print = print
  return id.print === print
}

function printOf({ topic, payload }: PublishPacket): number {
  return crc32(payload, crc32(topic))
}

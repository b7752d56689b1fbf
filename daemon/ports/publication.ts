/** What one publisher did last, as whoever looks topics up notes it down: it mostly goes on as it did before. Begins at 0. */
export interface Trail {
  at: number
}

/** A message that somebody published, before anybody has judged it. */
export interface PublishInput {
  topic: string
  payload: Buffer
  qos: 0 | 1 | 2
  retain: boolean
  clientId: string
  /** QoS 2: stored in the same transaction, so that a retransmission is known after a crash. */
  packetId: number | undefined
  /** The same object for all that comes over a connection; absent: it comes over none, as a will does. */
  trail?: Trail
  /** Absent: an MQTT client. */
  origin?: 'sensor' | 'api'
}

/**
 * - `deliver`: durable; goes to local subscribers.
 * - `set-aside`: durable in the quarantine, or dropped with a notice; acknowledged, delivered to nobody.
 * - `disconnect`: as set-aside, and the connection is closed.
 * - `unavailable`: not stored; must not be acknowledged.
 */
export type PublishOutcome = 'deliver' | 'set-aside' | 'disconnect' | 'unavailable'

/** Called once for each message, in the order of the publications. Neither side throws. */
export type PublishPort = (input: PublishInput, done: (outcome: PublishOutcome) => void) => void

/** What the broker keeps in the database beside the messages. */
export interface SessionStore {
  /** Packet ids that were stored before the last start: `client id` → packet ids. */
  incoming: ReadonlyMap<string, ReadonlySet<number>>
  retained: readonly { topic: string; payload: Buffer; qos: number }[]
  forgetIncoming(clientId: string, packetId: number, done: () => void): void
  clearIncoming(clientId: string): void
}

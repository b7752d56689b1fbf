/** Note of the topic that one publisher used last, written by the topic look-up: the next topic mostly follows it. Begins at 0. */
export interface Trail {
  at: number
}

/** A published message, before its verdict. */
export interface PublishInput {
  topic: string
  payload: Buffer
  qos: 0 | 1 | 2
  retain: boolean
  clientId: string
  /**
   * Of QoS 1 and 2, for the notice of a refusal. At QoS 2 it is also stored in the message's transaction, so that a retransmission is
   * recognised after a crash [MQTT-4.3.3-2]. Absent for wills, sensors and the API.
   */
  packetId: number | undefined
  /** The same object for all messages of a connection; absent for wills, sensors and the API. */
  trail?: Trail
  /** Absent for MQTT clients. */
  origin?: 'sensor' | 'api'
  /** Present for a message that an operator publishes again from the quarantine: it keeps its time of reception. */
  replayed?: { receivedMs: number; isSynced: boolean; at: string }
}

/**
 * - `deliver`: durable; goes to local subscribers.
 * - `set-aside`: durable in the quarantine, or dropped with a notice; acknowledged, not delivered.
 * - `disconnect`: as set-aside, and the connection is closed.
 * - `dropped`: dropped by policy because the store is full; acknowledged, not delivered.
 * - `unavailable`: not stored; must not be acknowledged.
 */
export type PublishOutcome = 'deliver' | 'set-aside' | 'disconnect' | 'dropped' | 'unavailable'

/** Called once for each message, in the order of the publications, but at once for what is dropped at QoS 0. Neither side throws. */
export type PublishPort = (input: PublishInput, done: (outcome: PublishOutcome) => void) => void

/** The broker's state in the database, beside the messages. */
export interface SessionStore {
  /** Packet ids of QoS 2 that awaited their PUBREL when the gateway stopped, by client id. */
  incoming: ReadonlyMap<string, ReadonlySet<number>>
  retained: readonly { topic: string; payload: Buffer; qos: number }[]
  /** Beside those that go with their messages. */
  rememberIncoming(clientId: string, packetId: number): void
  forgetIncoming(clientId: string, packetId: number, done: () => void): void
  clearIncoming(clientId: string): void
}

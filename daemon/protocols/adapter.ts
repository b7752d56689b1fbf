import type { EdgeError } from '../core/errors.ts'

/** A message on its way to another server. Adapters hold none of its values longer than they need: they may be rendered at each access. */
export interface OutgoingMessage {
  /** Stable over retries and restarts: `<gateway id>:<store id>:<seq>`. */
  readonly id: string
  /** Kafka topic, AMQP routing key, MQTT topic or channel of a file; `publish` may replace it by its one channel. */
  readonly address: string
  /** AMQP exchange; other protocols have none. */
  readonly exchange?: string | undefined
  /** Record key; null where none is configured. */
  readonly key: string | null
  /** Messages with the same order key arrive in the order of their publication. */
  readonly orderKey: string
  readonly payload: Uint8Array
  /** Values that repeat are handed over as prepared bytes. */
  readonly headers: Readonly<Record<string, string | Buffer>>
  /** Milliseconds since the epoch, or null where the gateway's clock cannot be trusted. */
  readonly timestampMs: number | null
  /** AMQP: the server returns a message that it cannot route. */
  readonly mandatory?: boolean | undefined
  /** The fields that a file holds beside the payload; made on demand, because only one protocol writes them. */
  describe(): MessageDescription
}

export interface MessageDescription {
  topic: string
  receivedAt: string
  document: string | null
  message: string | null
  parameters: Readonly<Record<string, string>>
  headers: Readonly<Record<string, string>>
}

/** The outcome of one message of a batch. */
export type Outcome =
  /** The server has it, durably as far as it can say. */
  | { readonly status: 'accepted' }
  /** Refused for good, because of the message itself. */
  | { readonly status: 'rejected'; readonly error: EdgeError }
  /** Not delivered as far as we know; it may be sent again. */
  | { readonly status: 'kept'; readonly error: EdgeError }

export const ACCEPTED: Outcome = Object.freeze({ status: 'accepted' })

export interface IncomingMessage {
  readonly address: string
  readonly payload: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

/** Opening and closing the connection to one other server. */
interface Connectable<Config> {
  /**
   * Resolves when the server has answered. On a connected adapter it closes that connection first, so that renewed
   * certificates and credentials take effect. Rejects with an EdgeError whose `retryable` says whether waiting can help, and
   * within the deadline of `config`: `upstream-unreachable`, `upstream-timeout`, `upstream-auth`, `upstream-tls`,
   * `upstream-protocol`, `upstream-unavailable`, `upstream-disk`. May be called again after a rejection and after `disconnect`.
   */
  connect(config: Config): Promise<void>
  /** Closes the connection and frees everything it held. Idempotent; does not reject because the server is gone. */
  disconnect(): Promise<void>
}

/** Sends messages to one other server. It neither retries, buffers nor drops: that policy is the forwarder's. */
export interface OutgoingAdapter<Config = unknown> extends Connectable<Config> {
  /**
   * Answers for every message, in the order given, within the deadline of the configuration. Only one call may be outstanding.
   *
   * - Messages with the same order key and address arrive in the order given; behind one that is kept, none of them is sent.
   * - It resolves also when the connection is lost: the messages are `kept`, and the next call opens a new one.
   * - Without a connection every message is kept.
   * - `rejected` names the message's own fault (`message-too-large`, `message-refused`, `topic-name-invalid`): sending it
   *   again cannot help. A protocol that cannot publish rejects every message with `unsupported`.
   * - `kept` with `route-missing` or `route-forbidden` is about this message's address alone; any other code is about the
   *   server, and a repeat may deliver the message twice under the same id.
   *
   * A `channel` replaces the address of every message.
   */
  publish(channel: string | null, messages: readonly OutgoingMessage[]): Promise<Outcome[]>
}

/** Receives messages from one other server. */
export interface IncomingAdapter<Config = unknown> extends Connectable<Config> {
  /**
   * Resolves when messages that the server gets from now on will be seen. Calls back for one message of an order key at a time,
   * in the server's order, and acknowledges a message to the server when the callback's promise resolves. When that rejects,
   * the message comes again; it may also come again after a lost connection. The subscription ends with `disconnect`.
   *
   * Rejects with `unsupported` where the protocol cannot subscribe, else with an error of `connect`.
   */
  subscribe(channel: string, callback: (message: IncomingMessage) => Promise<void>): Promise<void>
}

/** Both directions. The gateway opens a connection for each, so that one that fails does not stop the other. */
export interface ProtocolAdapter<Config = unknown> extends OutgoingAdapter<Config>, IncomingAdapter<Config> {}

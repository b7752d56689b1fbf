import type { EdgeError } from '../core/errors.ts'

/** A message on its way to another server. What is not needed any more should not be kept: values may be made when asked for. */
export interface OutgoingMessage {
  /** Stable over retries and restarts: `<gateway id>:<store id>:<seq>`. */
  readonly id: string
  /** Kafka topic, AMQP routing key, MQTT topic, channel of a file: where it goes unless it is the adapter's one channel. */
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
  /** AMQP: an unroutable message comes back. */
  readonly mandatory?: boolean | undefined
  /** What the file upstream writes beside the payload; made on demand, as only one protocol wants it. */
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

/** What became of one message of a batch. */
export type Outcome =
  /** The server has it, durably as far as it can say. */
  | { readonly status: 'accepted' }
  /** Refused for good, for what the message itself is. */
  | { readonly status: 'rejected'; readonly error: EdgeError }
  /** Not delivered as far as we know; may be sent again. */
  | { readonly status: 'kept'; readonly error: EdgeError }

export const ACCEPTED: Outcome = Object.freeze({ status: 'accepted' })

export interface IncomingMessage {
  readonly address: string
  readonly payload: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

/**
 * A connection to one other server. Adapters do not retry, buffer or drop: policy is the pipeline's.
 *
 * - `connect` resolves when the server has answered, or rejects with an EdgeError; may be called again after `disconnect`.
 * - `publish` answers for every message, in the order given; one call is outstanding at a time; it does not reject for
 *   what happened to messages. It ends within the deadline of its configuration.
 * - `subscribe` calls back for each message; the message is acknowledged to the server when the callback's promise resolves.
 * - `disconnect` is idempotent.
 */
export interface ProtocolAdapter<Config = unknown> {
  connect(config: Config): Promise<void>
  publish(channel: string | null, messages: readonly OutgoingMessage[]): Promise<Outcome[]>
  subscribe(channel: string, callback: (message: IncomingMessage) => Promise<void>): Promise<void>
  disconnect(): Promise<void>
  /** Called when an established connection is lost or regained; set before `connect`. */
  onStateChange?: (state: 'connected' | 'disconnected', error?: EdgeError) => void
}

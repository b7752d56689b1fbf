import { randomUUID } from 'node:crypto'
import { asBuffer } from '../core/bytes.ts'
import { EdgeError } from '../core/errors.ts'
import { parseJson } from '../core/json.ts'
import type { Logger } from '../core/logger.ts'
import type { IdempotentPublisher } from '../ingest/idempotent-publisher.ts'
import type { Published, Publisher, PublishRequest } from '../ingest/publisher.ts'
import type { Feed, FeedMessage, FeedSubscription } from '../ports/feed.ts'
import type { ChannelListing, SchemaListing } from '../ports/listings.ts'
import type { DocumentLists } from './document-lists.ts'
import type { DocumentMode } from './document-loader.ts'
import type { Registrar } from './registrar.ts'
import type { Registered } from './registration.ts'

export interface RegisterOptions {
  /** Default: strict. */
  mode?: DocumentMode
  /** Identity that registers the document. */
  by?: string
  /** Ends the check, which may take long on a busy machine; then nothing is registered. */
  signal?: AbortSignal
}

export interface PublishOptions {
  /** Parameters of the channel's address; missing ones are taken from fields of the data. */
  parameters?: Readonly<Record<string, string>> | undefined
  headers?: Readonly<Record<string, string>> | undefined
  /** Name of the message definition that the publisher claims. */
  message?: string | undefined
  /** Client id of the message. Default: `api`. */
  identity?: string | undefined
  /** Within 24 h, one key of an identity publishes once. */
  idempotencyKey?: string | undefined
}

/** A message that arrived on a channel. */
export interface ReceivedMessage {
  /** message-id */
  id: string
  topic: string
  /** The value where the content type is JSON, else the bytes. */
  payload: unknown
  headers: Readonly<Record<string, string>>
  /** ISO 8601. */
  receivedAt: string
}

export interface AsyncApiManagerOptions {
  registrar: Registrar
  lists: DocumentLists
  publisher: Publisher
  idempotent: IdempotentPublisher
  feed: Feed
  logger: Logger
}

const MAX_SUBSCRIPTIONS = 1_000
const DEFAULT_IDENTITY = 'api'

/**
 * Registers documents, lists their channels, publishes and subscribes to them. The HTTP API, WebSockets and programs that embed
 * the gateway all use this class.
 */
export class AsyncApiManager {
  private readonly options: AsyncApiManagerOptions
  private readonly subscriptions = new Map<string, FeedSubscription>()

  constructor(options: AsyncApiManagerOptions) {
    this.options = options
  }

  /**
   * Checks a document and puts it in force; resolves when it is durable. Waits for the check as long as it takes: its processor
   * time is bounded by the setting `checkCpu`, the time until a busy machine gives it that is not. The same name, version and content again give the
   * same answer. Throws DocumentErrors (what is wrong with it, with places), EdgeErrors `document-conflict` (other content
   * under this version), `document-of-file`, `document-limit`, `limit-reached`, `store-full`.
   *
   * @param name under which its versions stand; '' takes the document's title
   * @param content JSON or YAML text, or the document as an object
   * @param version default: the document's `info.version`
   * @param baseUrl replaces the url of the document's first server
   */
  registerAsyncapi(
    name: string,
    content: string | object,
    version?: string,
    baseUrl?: string,
    options: RegisterOptions = {},
  ): Promise<Registered> {
    const { mode = 'strict', by = DEFAULT_IDENTITY, signal } = options
    const input = { name: name === '' ? undefined : name, text: textOf(content), version, baseUrl, mode, signal }
    return this.options.registrar.register(input, by)
  }

  /** Takes a version out of force; the next newest of its name follows. Throws `not-found`, `document-of-file`. */
  unregister(documentId: string): Promise<void> {
    return this.options.registrar.unregister(documentId)
  }

  /**
   * Checks, stores, delivers and forwards a message as if a device had sent it; resolves once it is durable.
   * Throws MessageRefused (its `violations` say why), EdgeErrors `not-found`, `parameter-missing`, `parameter-invalid`,
   * `channel-unaddressed`, `message-too-large`, `store-full`, `idempotency-conflict`.
   *
   * @param data a value, encoded by the message's content type; or the bytes themselves
   */
  publishMessage(channelId: string, data: unknown, options: PublishOptions = {}): Promise<Published> {
    const { identity = DEFAULT_IDENTITY, idempotencyKey, ...rest } = options
    const given = data instanceof Uint8Array ? { bytes: data } : { value: data }
    const request: PublishRequest = { channelId, ...given, ...rest }
    const { publisher, idempotent } = this.options
    return idempotencyKey === undefined
      ? publisher.publish(request, identity)
      : idempotent.publish(request, identity, idempotencyKey)
  }

  /**
   * Calls back with each message that arrives on the channel from now on, from devices or from the API, after it is durable.
   * A callback that throws ends its subscription, and is logged.
   * Throws `not-found`, `limit-reached`.
   *
   * @returns the subscription's id, for `unsubscribe`
   */
  subscribeToChannel(channelId: string, callback: (message: ReceivedMessage) => void): string {
    this.options.lists.channel(channelId)
    if (this.subscriptions.size >= MAX_SUBSCRIPTIONS)
      throw new EdgeError('limit-reached', `${MAX_SUBSCRIPTIONS} subscriptions are open.`)
    const id = randomUUID()
    const subscription = this.options.feed.subscribe({ kinds: new Set(['message'] as const), channelId }, null, {
      ready: () => true,
      gap: () => undefined,
      take: (batch) => {
        try {
          for (const { kind, event } of batch.events) if (kind === 'message') callback(received(event))
        } catch (error) {
          this.unsubscribe(id)
          this.options.logger.error({ err: error, channel: channelId }, 'a subscriber failed and was ended')
        }
      },
    })
    this.subscriptions.set(id, subscription)
    return id
  }

  /** Returns whether there was such a subscription. */
  unsubscribe(subscriptionId: string): boolean {
    this.subscriptions.get(subscriptionId)?.close()
    return this.subscriptions.delete(subscriptionId)
  }

  /** The channels in force: of all documents, or of one. Throws `not-found` for a document that is not registered. */
  listChannels(documentId?: string): ChannelListing[] {
    return this.options.lists.allChannels(documentId)
  }

  /** Schemas of a message, by the id that its channel lists. Throws `not-found`. */
  getMessageSchema(messageId: string): SchemaListing {
    return this.options.lists.schema(messageId)
  }

  /** Ends every subscription. */
  close(): void {
    for (const id of this.subscriptions.keys()) this.unsubscribe(id)
  }
}

function textOf(content: string | object): string {
  return typeof content === 'string' ? content : JSON.stringify(content)
}

function received({ id, topic, payload, contentType, headers, receivedAt }: FeedMessage): ReceivedMessage {
  return { id, topic, payload: valueOf(payload, contentType), headers, receivedAt }
}

function valueOf(payload: Uint8Array, contentType: string | null): unknown {
  if (contentType !== null && !/json/i.test(contentType)) return payload
  const value = parseJson(asBuffer(payload).toString('utf8'))
  return value === undefined ? payload : value
}

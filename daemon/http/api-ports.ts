/** What the API's routes ask of the gateway. The composition root hands in the manager and readers of the store. */
import type { ContractChange } from '../asyncapi/compare-contracts.ts'
import type { Diagnostic } from '../asyncapi/contract.ts'
import type { ChannelListing, DocumentListing, SchemaListing } from '../core/listings.ts'
import type { Violation } from '../core/message.ts'
import type { ReplayResult } from '../pipeline/dry-run.ts'

/** Who calls; the access room fills it in. */
export interface Caller {
  /** Name of the identity; `local` for a caller that is trusted because nothing listens beyond loopback. */
  name: string
  admin: boolean
}

export interface DocumentDetail extends DocumentListing {
  specification: string
  title: string
  description: string | null
  /** The text as it was registered. */
  content: string
  servers: { name: string; protocol: string; url: string; description: string | null; security_scheme: object | null }[]
  diagnostics: Diagnostic[]
  channels: ChannelListing[]
}

export interface RegisterRequest {
  name?: string
  /** Text, JSON or YAML; or the document itself. */
  content: string | object
  version?: string
  base_url?: string
  mode?: 'strict' | 'lenient'
}

export interface RegisterAnswer {
  id: string
  name: string
  version: string
  channels: ChannelListing[]
  diagnostics: Diagnostic[]
  changes: ContractChange[]
}

export interface DryRunAnswer {
  name: string
  version: string
  /** The name and version are registered with this content already. */
  registered: boolean
  channels: string[]
  diagnostics: Diagnostic[]
  changes: ContractChange[]
  replay: ReplayResult
}

export interface RegistryPort {
  /** Throws DocumentErrors (422, with places), EdgeError `document-conflict`, `document-of-file`. */
  register(request: RegisterRequest, caller: Caller): Promise<RegisterAnswer>
  dryRun(request: RegisterRequest): Promise<DryRunAnswer>
  documents(page: PageRequest & { status?: string; name?: string }): Page<DocumentListing>
  /** Throws `not-found`; so do all below that take an id. */
  document(id: string): DocumentDetail
  unregister(id: string, caller: Caller): Promise<void>
  /** Keeps this version in force whatever is registered later; false lets the newest be in force again. */
  pin(id: string, pinned: boolean, caller: Caller): Promise<DocumentListing>
  channels(page: PageRequest & { asyncapi_document_id?: string }): Page<ChannelListing>
  channel(id: string): ChannelListing
  schema(messageId: string): SchemaListing
}

export interface PublishRequest {
  channel_id: string
  payload?: unknown
  payloadBase64?: string | undefined
  headers?: Readonly<Record<string, string>> | undefined
  parameters?: Readonly<Record<string, string>> | undefined
  /** Name of the message that it is meant to be. */
  message?: string | undefined
}

export interface PublishAnswer {
  /** message-id */
  id: string
  topic: string
}

export interface ValidateRequest extends Partial<PublishRequest> {
  topic?: string
}

export interface ValidateAnswer {
  valid: boolean
  topic: string
  document: string | null
  channel: string | null
  message: string | null
  destinations: { name: string; address: string | null; key: string | null }[]
  code: string | null
  errors: readonly Violation[]
}

export interface PublishPort {
  /**
   * Resolves once the message is durable. Throws MessageRefused, EdgeError `not-found`, `parameter-missing`,
   * `channel-unaddressed`, `store-full`, `idempotency-conflict`.
   */
  publish(request: PublishRequest, caller: Caller, idempotencyKey?: string): Promise<PublishAnswer>
  validate(request: ValidateRequest): ValidateAnswer
}

export interface SubscriptionView {
  subscription_id: string
  channel_id: string
  callback_url: string | null
  /** active, retrying, disabled. */
  state: string
  /** Why it is retrying or disabled. */
  reason: string | null
  delivered: number
  last_delivered_id: string | null
  created_at: string
}

export interface SubscriptionPort {
  /** `secret` comes with a callback only, and only here. Throws `not-found`, `callback-refused`, `limit-reached`. */
  create(
    request: { channel_id: string; callback_url?: string },
    caller: Caller,
  ): Promise<{ subscription_id: string; secret?: string }>
  list(page: PageRequest): Page<SubscriptionView>
  remove(id: string): Promise<void>
}

export interface PageRequest {
  /** 1 to 1,000. */
  limit: number
  /** From `next` of the page before. */
  cursor?: string
}

export interface Page<Item> {
  items: Item[]
  /** Absent on the last page. */
  next?: string
}

export interface QuarantineView {
  id: string
  topic: string
  client_id: string
  code: string
  errors: readonly Violation[]
  document: string | null
  message: string | null
  headers: Readonly<Record<string, string>>
  payload: unknown
  payloadBase64: string | null
  at: string
}

export interface DeadLetterView {
  id: string
  destination: string
  message_id: string
  topic: string
  address: string
  client_id: string
  code: string
  answer: string
  headers: Readonly<Record<string, string>>
  payload: unknown
  payloadBase64: string | null
  at: string
}

/** One of the two places where refused messages lie. */
export interface RefusedPort<View> {
  list(page: PageRequest & { topic?: string; client_id?: string; destination?: string }): Promise<Page<View>>
  get(id: string): View
  /** Publishes it again, as its device did, or sends it to its destination again. Throws MessageRefused if it is still refused: it stays. */
  replay(id: string, caller: Caller): Promise<{ id: string }>
  discard(id: string, caller: Caller): Promise<void>
}

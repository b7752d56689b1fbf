/** What the API's routes ask of the gateway. The composition root hands in the manager and readers of the store. */
import type { Violation } from '../core/message.ts'

/** Who calls; the access room fills it in. */
export interface Caller {
  /** Name of the identity; `local` for a caller that is trusted because nothing listens beyond loopback. */
  name: string
  admin: boolean
}

export interface DiagnosticView {
  severity: string
  message: string
  /** JSON pointer into the document. */
  pointer: string
  line?: number
  column?: number
}

/** What a version changes in one message, and whom that breaks. */
export interface ChangeView {
  channel: string
  message: string
  /** added, removed, required, type, enum, range, unknown. */
  kind: string
  /** JSON pointer into the payload; '' for the message as a whole. */
  pointer: string
  /** Whom it breaks: those who publish it, those who read it, both, nobody. */
  breaks: 'publishers' | 'consumers' | 'both' | 'none' | 'unknown'
  detail: string
}

export interface MessageView {
  id: string
  message_name: string
  message_type: 'publish' | 'subscribe'
  content_type: string
  description: string | null
}

export interface ChannelView {
  id: string
  asyncapi_document_id: string
  /** The address; the channel's own id where it has none. */
  channel_name: string
  protocol: string
  description: string | null
  publish_operations: object[]
  subscribe_operations: object[]
  parameters: object[]
  status: string
  messages: MessageView[]
  created_at: string
  updated_at: string
}

export interface DocumentView {
  id: string
  name: string
  version: string
  base_url: string | null
  /** active: in force. superseded: an older version. deleted. */
  status: string
  mode: 'strict' | 'lenient'
  /** Registered over the API, or named in the configuration. */
  source: 'api' | 'file'
  file: string | null
  /** Stays in force although a newer version is registered. */
  pinned: boolean
  channel_count: number
  created_at: string
  updated_at: string
}

export interface DocumentDetail extends DocumentView {
  specification: string
  title: string
  description: string | null
  /** The text as it was registered. */
  content: string
  servers: { name: string; protocol: string; url: string; description: string | null; security_scheme: object | null }[]
  diagnostics: DiagnosticView[]
  channels: ChannelView[]
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
  channels: ChannelView[]
  diagnostics: DiagnosticView[]
  changes: ChangeView[]
}

export interface DryRunAnswer {
  name: string
  version: string
  /** The name and version are registered with this content already. */
  registered: boolean
  channels: string[]
  diagnostics: DiagnosticView[]
  changes: ChangeView[]
  replay: {
    /** Messages of the log and its history that are on channels of the document. */
    checked: number
    rejected: number
    /** False where there were more messages than were looked at. */
    complete: boolean
    reasons: {
      code: string
      channel: string
      message: string | null
      pointer: string
      keyword: string
      count: number
    }[]
    devices: { client_id: string; rejected: number }[]
  }
}

export interface SchemaView {
  id: string
  message_name: string
  channel_id: string
  content_type: string
  schema_format: string
  payload_schema: unknown
  headers_schema: unknown
  examples: object[]
}

export interface RegistryPort {
  /** Throws DocumentErrors (422, with places), EdgeError `document-conflict`, `document-of-file`. */
  register(request: RegisterRequest, caller: Caller): Promise<RegisterAnswer>
  dryRun(request: RegisterRequest): Promise<DryRunAnswer>
  documents(page: PageRequest & { status?: string; name?: string }): Page<DocumentView>
  /** Throws `not-found`; so do all below that take an id. */
  document(id: string): DocumentDetail
  unregister(id: string, caller: Caller): Promise<void>
  /** Keeps this version in force whatever is registered later; false lets the newest be in force again. */
  pin(id: string, pinned: boolean, caller: Caller): Promise<DocumentView>
  channels(page: PageRequest & { asyncapi_document_id?: string }): Page<ChannelView>
  channel(id: string): ChannelView
  schema(messageId: string): SchemaView
}

export interface PublishRequest {
  channel_id: string
  payload?: unknown
  payloadBase64?: string
  headers?: Readonly<Record<string, string>>
  parameters?: Readonly<Record<string, string>>
  /** Name of the message that it is meant to be. */
  message?: string
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
  list(page: PageRequest & { topic?: string; client_id?: string; destination?: string }): Page<View>
  get(id: string): View
  /** Publishes it again, as its device did, or sends it to its destination again. Throws MessageRefused if it is still refused: it stays. */
  replay(id: string, caller: Caller): Promise<{ id: string }>
  discard(id: string, caller: Caller): Promise<void>
}

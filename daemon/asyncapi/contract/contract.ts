/**
 * The contract of an AsyncAPI document: one shape for versions 2.0 to 2.6, 3.0 and 3.1, extracted from the raw document
 * and free of `$ref`, so that it can be cached as JSON. The rest of the program knows documents in this shape only.
 */
import type { Bridge } from './bridge.ts'

/** A bundled JSON Schema: every `$ref` in it points into its own `#/definitions`. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown }

/** A schema in its `schemaFormat`: JSON Schema, Avro (an object, a name, or a list for a union) or the text of a .proto file. */
export type PayloadSchema = JsonSchema | string | readonly unknown[]

export interface Contract {
  /** `info.title`. */
  title: string
  /** `info.version`. */
  version: string
  /** The document's own `asyncapi` field. */
  specification: string
  description?: string
  defaultContentType: string
  /** The side that the operations are written from; `device` reverses their directions. */
  perspective: 'application' | 'device'
  servers: ContractServer[]
  channels: ContractChannel[]
  securitySchemes: { id: string; scheme: Readonly<Record<string, unknown>> }[]
  bridge: Bridge
  diagnostics: Diagnostic[]
}

export interface Diagnostic {
  severity: 'error' | 'warning' | 'information' | 'hint'
  message: string
  /** JSON pointer into the document. */
  pointer: string
  line?: number
  column?: number
}

export interface ContractServer {
  name: string
  /** Normalised: mqtt, kafka, amqp, ws, http or sse; any other name as the document writes it, in lower case. */
  protocol: string
  secure: boolean
  url: string
  pathname?: string
  description?: string
  security: string[]
  bindings: Readonly<Record<string, unknown>>
  bridge: Bridge
}

export interface ContractParameter {
  name: string
  description?: string
  enum?: string[]
  default?: string
  /** The schema of a 2.x parameter; it applies to the text of the topic level. */
  schema?: JsonSchema
  /** Runtime expression, e.g. `$message.payload#/id`. */
  location?: string
}

export interface ContractChannel {
  /** The channel's key in the document: an id in 3.x, the address in 2.x. */
  id: string
  /** null when the document gives none: the channel is listed, but no topic matches it. */
  address: string | null
  title?: string
  description?: string
  parameters: ContractParameter[]
  /** Names of servers; an empty list means all servers of the document. */
  servers: string[]
  messages: ContractMessage[]
  /** Directions are those after `perspective` was applied. A channel without operations receives. */
  operations: ContractOperation[]
  bindings: Readonly<Record<string, unknown>>
  bridge: Bridge
}

export interface ContractOperation {
  id: string
  /** `receive`: the gateway receives the message (2.x publish). `send`: the gateway sends it (2.x subscribe). */
  action: 'receive' | 'send'
  /** Names of the channel's messages that this operation carries. */
  messages: string[]
  bindings: Readonly<Record<string, unknown>>
  security: string[]
  bridge: Bridge
}

export interface ContractMessage {
  name: string
  title?: string
  contentType: string
  schemaFormat: string
  /** Without a schema any payload is valid. */
  payload?: PayloadSchema
  headers?: JsonSchema
  correlationId?: string
  description?: string
  examples: { name?: string; payload?: unknown; headers?: unknown }[]
  bindings: Readonly<Record<string, unknown>>
  bridge: Bridge
}

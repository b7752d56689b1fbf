/**
 * What the rest of the program knows of an AsyncAPI document: one neutral shape for 2.0-2.6, 3.0 and 3.1,
 * extracted from the raw document and free of `$ref`, so that it can be cached as JSON.
 */
import type { Lane } from '../../core/message.ts'

/** A JSON Schema, each one bundled alone: every `$ref` in it points into its own `#/definitions`. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown }

/** A schema of `schemaFormat`: JSON Schema, Avro (also a name or a union, which is a list) or the text of a .proto file. */
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
  /** From whose side the operations are written; `device` turns the direction round. */
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
  /** Normalised: mqtt, kafka, amqp, ws, http, sse, or what the document says where none of them fits. */
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
  /** A 2.x parameter's schema; checked against the text of the level. */
  schema?: JsonSchema
  /** Runtime expression, e.g. `$message.payload#/id`. */
  location?: string
}

export interface ContractChannel {
  /** The channel's key in the document (3.x id, 2.x address). */
  id: string
  /** null where the document gives none: such a channel is listed, never matched. */
  address: string | null
  title?: string
  description?: string
  parameters: ContractParameter[]
  /** Names of servers; empty means all of the document's. */
  servers: string[]
  messages: ContractMessage[]
  /** Directions after `perspective` has been applied. A channel without operations receives. */
  operations: ContractOperation[]
  bindings: Readonly<Record<string, unknown>>
  bridge: Bridge
}

export interface ContractOperation {
  id: string
  /** `receive`: others send it to us (2.x publish). `send`: we send it (2.x subscribe). */
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
  /** Absent: any payload. */
  payload?: PayloadSchema
  headers?: JsonSchema
  correlationId?: string
  description?: string
  examples: { name?: string; payload?: unknown; headers?: unknown }[]
  bindings: Readonly<Record<string, unknown>>
  bridge: Bridge
}

/** One destination of `x-bridge.forward` or of a route; absent fields follow the plain rules of the contract. */
export interface ForwardTarget {
  to: string
  topic?: string
  exchange?: string
  routingKey?: string
  key?: string
  headers?: Readonly<Record<string, string>>
  mandatory?: boolean
}

/** The `x-bridge` extension; config/x-bridge.schema.json is made from the same schema. */
export interface Bridge {
  perspective?: 'application' | 'device'
  role?: 'ingress' | 'upstream'
  onInvalid?: 'quarantine' | 'tag' | 'pass' | 'disconnect'
  durability?: 'power' | 'process'
  lane?: Lane
  /** Duration text, as `10m`. */
  ttl?: string
  forward?: ForwardTarget[]
  allow?: { publish?: string[]; subscribe?: string[] }
}

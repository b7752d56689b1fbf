import type { Lane } from '../../core/message.ts'

/** One destination of `x-bridge.forward` or of a route; absent fields follow the default names. */
export interface ForwardTarget {
  to: string
  topic?: string
  exchange?: string
  routingKey?: string
  key?: string
  headers?: Readonly<Record<string, string>>
  mandatory?: boolean
}

/** The `x-bridge` extension of a document, server, channel, operation or message. */
export interface Bridge {
  perspective?: 'application' | 'device'
  role?: 'ingress' | 'upstream'
  onInvalid?: 'quarantine' | 'tag' | 'pass' | 'disconnect'
  durability?: 'power' | 'process'
  lane?: Lane
  /** A duration such as `10m`. */
  ttl?: string
  forward?: ForwardTarget[]
  allow?: { publish?: string[]; subscribe?: string[] }
}

const template = {
  type: 'string',
  minLength: 1,
  description: 'Template: {parameter}, {$message.payload#/path} or {$message.header#/name}.',
} as const

const forwardTarget = {
  type: 'object',
  required: ['to'],
  additionalProperties: false,
  properties: {
    to: { type: 'string', minLength: 1, description: 'Name of an upstream, or `broker` for the devices.' },
    topic: { ...template, description: `Kafka or MQTT topic, or channel of a file. ${template.description}` },
    exchange: { type: 'string', description: 'AMQP exchange.' },
    routingKey: { ...template, description: `AMQP routing key. ${template.description}` },
    key: { ...template, description: `Record key and order key. ${template.description}` },
    headers: { type: 'object', additionalProperties: template, description: 'Headers to add: name and template.' },
    mandatory: { type: 'boolean', description: 'AMQP: a message that no queue takes comes back. Default: true.' },
  },
} as const

const grants = { type: 'array', items: { type: 'string', minLength: 1 }, description: 'Names of roles.' } as const

/** JSON Schema of `Bridge`; scripts/generate-x-bridge-schema.ts writes it to config/x-bridge.schema.json. */
export const BRIDGE_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'x-bridge',
  description: 'What StepFlow Edge does with a document, server, channel, operation or message of AsyncAPI.',
  type: 'object',
  additionalProperties: false,
  properties: {
    perspective: {
      enum: ['application', 'device'],
      description: 'Document: from whose side its operations are written.',
    },
    role: { enum: ['ingress', 'upstream'], description: 'Server: where devices come in, or a destination.' },
    onInvalid: {
      enum: ['quarantine', 'tag', 'pass', 'disconnect'],
      description: 'What happens to an invalid message.',
    },
    durability: { enum: ['power', 'process'], description: 'What an acknowledged message survives.' },
    lane: { enum: ['alarm', 'live', 'bulk'], description: 'Priority on the way to destinations.' },
    ttl: {
      type: 'string',
      pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$',
      description: 'Running time after which it is no longer wanted, as 10m.',
    },
    forward: { type: 'array', items: forwardTarget, description: 'Destinations; an empty list is nowhere.' },
    allow: {
      type: 'object',
      additionalProperties: false,
      properties: { publish: grants, subscribe: grants },
      description: 'Who may publish and subscribe.',
    },
  },
} as const

/** Keys that have a meaning in one place of a document only. */
export const BRIDGE_PLACES: Readonly<Record<string, string>> = { perspective: 'document', role: 'server' }

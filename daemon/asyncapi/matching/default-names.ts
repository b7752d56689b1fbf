import type { ContractChannel, Diagnostic } from '../contract/contract.ts'
import { childOf, escapeSegment } from '../contract/json-pointer.ts'
import { addressParameters, parseAddress } from './address.ts'

const MAX_NAME = 249
const DEFAULT_EXCHANGE = 'amq.topic'

/** The names at a destination when neither the document nor a route gives any. */
export interface PlainNames {
  /** Kafka topic; null if no part of the address can be used. */
  readonly topic: string | null
  /** Template of the order key: the last parameter of the address. */
  readonly key: string | null
  /** AMQP exchange. */
  readonly exchange: string
}

/** `device/{deviceId}/data` → topic `device.data`, key `{deviceId}`. */
export function plainNames(channel: ContractChannel): PlainNames {
  const last = channel.address === null ? undefined : addressParameters(channel.address).at(-1)
  // In a template, a name that begins with $ would be a runtime expression.
  const parameter = last?.startsWith('$') === true ? undefined : last
  const exchange = childOf(childOf(channel.bindings['amqp'], 'exchange'), 'name')
  return {
    topic: kafkaTopic(channel),
    key: parameter === undefined ? null : `{${parameter}}`,
    exchange: typeof exchange === 'string' && exchange !== '' ? exchange : DEFAULT_EXCHANGE,
  }
}

/** Reports channels whose Kafka topic is empty or belongs to another address, too. */
export function plainNameDiagnostics(channels: readonly ContractChannel[]): Diagnostic[] {
  const owners = new Map<string, ContractChannel>()
  const diagnostics: Diagnostic[] = []
  for (const channel of channels) {
    if (channel.address === null || channel.bridge.forward !== undefined) continue
    const pointer = `/channels/${escapeSegment(channel.id)}`
    const topic = kafkaTopic(channel)
    if (topic === null) {
      const message = `Nothing of the address ${channel.address} is left for a Kafka topic: name one in its kafka binding, in x-bridge or in routes.`
      diagnostics.push({ severity: 'information', message, pointer })
      continue
    }
    const owner = owners.get(topic)
    if (owner !== undefined && owner.address !== channel.address) {
      const message = `The channels ${owner.id} and ${channel.id} both go to the Kafka topic ${topic}.`
      diagnostics.push({ severity: 'information', message, pointer })
    }
    owners.set(topic, owner ?? channel)
  }
  return diagnostics
}

function kafkaTopic(channel: ContractChannel): string | null {
  const bound = childOf(channel.bindings['kafka'], 'topic')
  // Parameters stay: the name may be a template.
  if (typeof bound === 'string' && bound !== '')
    return bound.replace(/\{[A-Za-z0-9_-]+\}|[^A-Za-z0-9._-]/gu, (found) => (found.length > 2 ? found : '_'))
  if (channel.address === null) return null
  const levels = parseAddress(channel.address)
  return kafkaName(levels.flatMap((level) => (level.kind === 'literal' ? [level.text] : [])).join('/'))
}

/** Turns a topic or address into a name that Kafka allows; null if nothing is left. */
export function kafkaName(topic: string): string | null {
  const name = topic
    .replaceAll('/', '.')
    .replace(/[^A-Za-z0-9._-]/gu, '_')
    .replace(/\.{2,}/g, '.')
    .replace(/^\.|\.$/g, '')
    .slice(0, MAX_NAME)
    .replace(/\.$/, '')
  return name === '' ? null : name
}

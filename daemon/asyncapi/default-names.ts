import { addressParameters, parseAddress } from './address.ts'
import type { ContractChannel, Diagnostic } from './contract.ts'
import { childOf } from './json-pointer.ts'

const MAX_NAME = 249
const DEFAULT_EXCHANGE = 'amq.topic'

/** Where the messages of a channel go when neither the document nor a route says it. */
export interface PlainNames {
  /** Kafka topic; null where nothing of the address is left. */
  readonly topic: string | null
  /** Template of the order key: the last parameter of the address. */
  readonly key: string | null
  /** AMQP exchange. */
  readonly exchange: string
}

/** Rules for a plain document: `device/{deviceId}/data` → topic `device.data`, key `{deviceId}`. */
export function plainNames(channel: ContractChannel): PlainNames {
  const parameter = channel.address === null ? undefined : addressParameters(channel.address).at(-1)
  const exchange = childOf(childOf(channel.bindings['amqp'], 'exchange'), 'name')
  return {
    topic: kafkaTopic(channel),
    key: parameter === undefined ? null : `{${parameter}}`,
    exchange: typeof exchange === 'string' && exchange !== '' ? exchange : DEFAULT_EXCHANGE,
  }
}

/** Channels whose Kafka topic is empty or is another channel's as well. */
export function plainNameDiagnostics(channels: readonly ContractChannel[]): Diagnostic[] {
  const owners = new Map<string, ContractChannel>()
  const diagnostics: Diagnostic[] = []
  for (const channel of channels) {
    if (channel.address === null || channel.bridge.forward !== undefined) continue
    const pointer = channelPointer(channel)
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
  if (typeof bound === 'string' && bound !== '') return bound
  if (channel.address === null) return null
  const levels = parseAddress(channel.address)
  const name = levels
    .flatMap((level) => (level.kind === 'literal' ? [level.text] : []))
    .join('.')
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/\.{2,}/g, '.')
    .replace(/^\.|\.$/g, '')
    .slice(0, MAX_NAME)
    .replace(/\.$/, '')
  return name === '' ? null : name
}

function channelPointer(channel: ContractChannel): string {
  return `/channels/${channel.id.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

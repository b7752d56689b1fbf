import type { Contract, ContractChannel, ContractMessage } from '../contract/contract.ts'
import { isJsonSchemaFormat, isSchema } from '../schemas/json-schema.ts'
import { SchemaComparison, type SchemaChange } from './compare-schemas.ts'

/** One difference between two versions of a document. */
export interface ContractChange extends SchemaChange {
  /** Address of the channel, or its id in the document if it has no address. */
  channel: string
  /** Name of the message; '' when the whole channel was added or removed. */
  message: string
}

const MAX_CHANGES = 500

/**
 * Compares two versions of a document: channels by address, messages by name, payload schemas field by field. Returns at
 * most 500 changes.
 */
export function compareContracts(before: Contract, after: Contract): ContractChange[] {
  const changes: ContractChange[] = []
  const old = byAddress(before.channels)
  const now = byAddress(after.channels)
  for (const channel of old.keys()) {
    if (!now.has(channel)) changes.push(wholeChange(channel, '', 'removed', 'both', 'the channel is gone'))
  }
  for (const [channel, current] of now) {
    if (changes.length >= MAX_CHANGES) break
    const previous = old.get(channel)
    if (previous === undefined) changes.push(wholeChange(channel, '', 'added', 'none', 'the channel is new'))
    else changes.push(...compareMessages(channel, messagesOf(previous), messagesOf(current)))
  }
  return changes.slice(0, MAX_CHANGES)
}

function compareMessages(
  channel: string,
  old: ReadonlyMap<string, ContractMessage>,
  now: ReadonlyMap<string, ContractMessage>,
): ContractChange[] {
  const changes: ContractChange[] = []
  for (const name of old.keys()) {
    if (!now.has(name)) changes.push(wholeChange(channel, name, 'removed', 'publishers', 'the message is gone'))
  }
  for (const [name, current] of now) {
    const previous = old.get(name)
    if (previous === undefined) changes.push(wholeChange(channel, name, 'added', 'consumers', 'the message is new'))
    else for (const change of compareMessage(previous, current)) changes.push({ channel, message: name, ...change })
    if (changes.length >= MAX_CHANGES) break
  }
  return changes
}

function compareMessage(old: ContractMessage, now: ContractMessage): SchemaChange[] {
  const changes: SchemaChange[] = []
  if (old.contentType !== now.contentType) {
    const detail = `the content type was ${old.contentType}, now it is ${now.contentType}`
    changes.push({ kind: 'unknown', pointer: '', breaks: 'both', detail: detail.slice(0, 200) })
  }
  if (isComparable(old) && isComparable(now)) {
    changes.push(...new SchemaComparison(payloadOf(old), payloadOf(now), MAX_CHANGES).changes())
  } else if (JSON.stringify([old.schemaFormat, old.payload]) !== JSON.stringify([now.schemaFormat, now.payload])) {
    changes.push({ kind: 'unknown', pointer: '', breaks: 'unknown', detail: 'the schema differs' })
  }
  if (JSON.stringify(old.headers) !== JSON.stringify(now.headers)) {
    changes.push({ kind: 'unknown', pointer: '', breaks: 'unknown', detail: 'the schema of the headers differs' })
  }
  return changes
}

function isComparable(message: ContractMessage): boolean {
  return message.payload === undefined || (isJsonSchemaFormat(message.schemaFormat) && isSchema(message.payload))
}

function payloadOf({ payload }: ContractMessage): unknown {
  return payload === undefined ? true : payload
}

/** Channels by address: to publishers, all channels of one address are one channel. */
function byAddress(channels: readonly ContractChannel[]): Map<string, ContractChannel[]> {
  const groups = new Map<string, ContractChannel[]>()
  for (const channel of channels) {
    const key = channel.address ?? channel.id
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [channel])
    else group.push(channel)
  }
  return groups
}

function messagesOf(channels: readonly ContractChannel[]): Map<string, ContractMessage> {
  return new Map(channels.flatMap(({ messages }) => messages.map((message) => [message.name, message])))
}

function wholeChange(
  channel: string,
  message: string,
  kind: 'added' | 'removed',
  breaks: ContractChange['breaks'],
  detail: string,
): ContractChange {
  return { channel, message, kind, pointer: '', breaks, detail }
}

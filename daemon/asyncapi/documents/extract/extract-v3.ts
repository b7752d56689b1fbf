import type { ContractChannel, ContractOperation } from '../../contract/contract.ts'
import { pointerSegments } from '../../contract/json-pointer.ts'
import { pointerOf, referenceIn } from '../source/resolve-reference.ts'
import { extractMessage } from './extract-message.ts'
import { extractParameters } from './extract-parameters.ts'
import { securityNames } from './extract-servers.ts'
import { optionalText, type Extraction, type NamedEntry } from './extraction.ts'
import type { BridgeReader } from './read-bridge.ts'
import { applyTraits } from './traits.ts'

/** Extracts the channels of 3.0 and 3.1, each with the operations that refer to it. */
export function extractV3Channels(extraction: Extraction, bridges: BridgeReader): ContractChannel[] {
  const drafts = extraction.entries(extraction.root['channels'], '/channels').map((entry) => {
    const messages = extraction.entries(entry.value['messages'], `${entry.pointer}/messages`, 'message')
    return { entry, messages, channel: extractChannel(extraction, bridges, entry, messages) }
  })
  for (const operation of extraction.entries(extraction.root['operations'], '/operations')) {
    const target = extraction.object(operation.value['channel'], `${operation.pointer}/channel`)
    const draft = drafts.find(({ entry }) => entry.pointer === target?.pointer)
    if (draft === undefined) {
      extraction.report('error', `The operation ${operation.name} names no channel of the document.`, operation.at)
      continue
    }
    const found = extractOperation(extraction, bridges, operation, draft.messages)
    if (found !== undefined) draft.channel.operations.push(found)
  }
  return drafts.map(({ channel }) => channel)
}

function extractChannel(
  extraction: Extraction,
  bridges: BridgeReader,
  entry: NamedEntry,
  messages: readonly NamedEntry[],
): ContractChannel {
  const { value } = entry
  const address = typeof value['address'] === 'string' ? value['address'] : null
  if (address === null) {
    extraction.report('information', `The channel ${entry.name} has no address: no topic matches it.`, entry.at)
  }
  return {
    id: entry.name,
    address,
    ...optionalText('title', value['title'] ?? value['summary']),
    ...optionalText('description', value['description']),
    parameters: extractParameters(extraction, value['parameters'], address, entry.pointer),
    servers: channelServers(extraction, value['servers'], `${entry.pointer}/servers`),
    messages: messages.map((message) => extractMessage(extraction, bridges, message, message.name)),
    operations: [],
    bindings: extraction.expandObject(value['bindings']),
    bridge: bridges.read(extraction, entry, 'channel'),
  }
}

function extractOperation(
  extraction: Extraction,
  bridges: BridgeReader,
  entry: NamedEntry,
  messages: readonly NamedEntry[],
): ContractOperation | undefined {
  const operation = applyTraits(extraction, entry)
  const { value } = operation
  const { action } = value
  if (action !== 'receive' && action !== 'send') {
    extraction.report('error', `The action of the operation ${entry.name} is neither send nor receive.`, entry.at)
    return undefined
  }
  const given: unknown = value['messages']
  const listed = Array.isArray(given)
    ? given.flatMap((item: unknown, index) =>
        messageName(extraction, item, `${entry.pointer}/messages/${index}`, messages),
      )
    : []
  return {
    id: entry.name,
    action,
    // An operation without messages carries all messages of its channel.
    messages: listed.length > 0 ? listed : messages.map((message) => message.name),
    bindings: extraction.expandObject(value['bindings']),
    security: securityNames(value['security']),
    bridge: bridges.read(extraction, operation, 'operation'),
  }
}

/** The name of the channel's message that an operation refers to, directly or by the component behind it. */
function messageName(
  extraction: Extraction,
  item: unknown,
  pointer: string,
  messages: readonly NamedEntry[],
): string[] {
  const direct = pointerOf(referenceIn(item) ?? '')
  const target = extraction.message(item, pointer)?.pointer
  const found =
    messages.find((message) => message.at === direct) ?? messages.find((message) => message.pointer === target)
  if (found !== undefined) return [found.name]
  extraction.report('error', 'This is no message of the channel.', pointer)
  return []
}

function channelServers(extraction: Extraction, value: unknown, pointer: string): string[] {
  if (!Array.isArray(value)) return []
  const servers = extraction.entries(extraction.root['servers'], '/servers')
  return value.flatMap((item: unknown, index) => {
    const at = `${pointer}/${index}`
    const [first, name, ...rest] = pointerSegments(pointerOf(referenceIn(item) ?? '') ?? '')
    if (first === 'servers' && name !== undefined && rest.length === 0) return [name]
    const target = extraction.object(item, at)?.pointer
    const found = servers.find((server) => server.pointer === target)
    if (found === undefined) extraction.report('warning', 'This is no server of the document.', at)
    return found === undefined ? [] : [found.name]
  })
}

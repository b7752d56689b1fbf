import { createHash } from 'node:crypto'
import { channelIds, messageId } from '../asyncapi/contract/channel-ids.ts'
import type { Contract, ContractChannel, ContractMessage, ContractOperation } from '../asyncapi/contract/contract.ts'
import { ANY_MESSAGE } from '../ingest/call-recorder.ts'
import type { RegisteredDocument } from './document-registry.ts'

/** Same name and version, same id. */
export function documentId(name: string, version: string): string {
  return idOf('document', name, version)
}

/** Same content, same id. */
export function templateId(text: string): string {
  return idOf('template', text)
}

/** The rows of a document in the six tables, except its template. */
export function documentRows(document: RegisteredDocument, contract: Contract, at: string) {
  const { id, templateId: template, name, version, baseUrl, createdAt } = document
  const ids = channelIds(name, contract)
  const stamps = { status: 'active', created_at: createdAt, updated_at: at }
  const channels = contract.channels.map((channel) => ({
    id: ids.get(channel) ?? '',
    asyncapi_document_id: id,
    channel_name: channel.address ?? channel.id,
    protocol: protocolOf(contract, channel),
    description: channel.description ?? null,
    publish_operations: operationsText(channel, 'receive'),
    subscribe_operations: operationsText(channel, 'send'),
    parameters: JSON.stringify(channel.parameters),
    ...stamps,
  }))
  const definitions = contract.channels.flatMap((channel) => {
    const channelId = ids.get(channel) ?? ''
    return messagesOf(channel).map((message) => ({ ...definitionRow(channel, channelId, message), ...stamps }))
  })
  const brokers = contract.servers.map((server) => ({
    id: idOf('broker', id, server.name),
    asyncapi_document_id: id,
    broker_name: server.name,
    protocol: server.protocol,
    url: server.url,
    security_scheme: server.security.length === 0 ? null : JSON.stringify(schemesOf(contract, server.security)),
    description: server.description ?? null,
    ...stamps,
  }))
  const row = { id, template_id: template, name, version, base_url: baseUrl, ...stamps }
  return { document: row, channels, definitions, brokers }
}

/** The contract with the url of its first server replaced. */
export function withBaseUrl(contract: Contract, baseUrl: string | null): Contract {
  const [first, ...others] = contract.servers
  if (baseUrl === null || first === undefined) return contract
  return { ...contract, servers: [{ ...first, url: baseUrl }, ...others] }
}

function definitionRow(channel: ContractChannel, channelId: string, message: ContractMessage | undefined) {
  const name = message?.name ?? ANY_MESSAGE
  return {
    id: messageId(channelId, name),
    channel_id: channelId,
    message_name: name,
    message_type: isPublished(channel, name) ? 'publish' : 'subscribe',
    payload_schema: message?.payload === undefined ? null : JSON.stringify(message.payload),
    headers_schema: message?.headers === undefined ? null : JSON.stringify(message.headers),
    description: message?.description ?? message?.title ?? null,
  }
}

/** A channel without messages has one stand-in, for any message. */
export function messagesOf(channel: ContractChannel): (ContractMessage | undefined)[] {
  return channel.messages.length === 0 ? [undefined] : channel.messages
}

/** Whether the application receives the message: 2.x publish. */
export function isPublished(channel: ContractChannel, message: string): boolean {
  const carrying = channel.operations.filter(
    (operation) => operation.messages.length === 0 || operation.messages.includes(message),
  )
  return carrying.length === 0 || carrying.some((operation) => operation.action === 'receive')
}

function operationsText(channel: ContractChannel, action: ContractOperation['action']): string | null {
  const operations = channel.operations.filter((operation) => operation.action === action)
  if (operations.length === 0) return null
  return JSON.stringify(
    operations.map(({ id, messages, bindings, security }) => ({ id, action, messages, bindings, security })),
  )
}

export function protocolOf(contract: Contract, channel: ContractChannel): string {
  const server = contract.servers.find((one) => channel.servers.length === 0 || channel.servers.includes(one.name))
  return server?.protocol ?? 'mqtt'
}

function schemesOf(contract: Contract, names: readonly string[]): object[] {
  return contract.securitySchemes.filter((one) => names.includes(one.id)).map(({ id, scheme }) => ({ id, ...scheme }))
}

function idOf(...parts: string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`)
  return hash.digest('hex').slice(0, 24)
}

import { channelIds, messageId } from '../asyncapi/contract/channel-ids.ts'
import type { Contract, ContractChannel, ContractMessage, ContractOperation } from '../asyncapi/contract/contract.ts'
import { ANY_MESSAGE } from '../ingest/call-recorder.ts'
import type { ChannelListing, DocumentListing, SchemaListing } from '../ports/listings.ts'
import type { RegisteredDocument } from './document-registry.ts'
import { isPublished, messagesOf, protocolOf } from './registration-rows.ts'

/** The channels of one version, in the order of the document. */
export function channelListings(document: RegisteredDocument, contract: Contract, status: string): ChannelListing[] {
  const ids = channelIds(document.name, contract)
  return contract.channels.map((channel) => {
    const id = ids.get(channel) ?? ''
    return {
      id,
      asyncapi_document_id: document.id,
      channel_name: channel.address ?? channel.id,
      protocol: protocolOf(contract, channel),
      description: channel.description ?? null,
      publish_operations: operations(channel, 'receive'),
      subscribe_operations: operations(channel, 'send'),
      parameters: channel.parameters,
      status,
      messages: messagesOf(channel).map((message) => ({
        id: messageId(id, message?.name ?? ANY_MESSAGE),
        message_name: message?.name ?? ANY_MESSAGE,
        message_type: isPublished(channel, message?.name ?? ANY_MESSAGE)
          ? ('publish' as const)
          : ('subscribe' as const),
        content_type: message?.contentType ?? contract.defaultContentType,
        description: message?.description ?? message?.title ?? null,
      })),
      created_at: document.createdAt,
      updated_at: document.updatedAt,
    }
  })
}

export function schemaListing(id: string, channelId: string, message: ContractMessage | undefined): SchemaListing {
  return {
    id,
    message_name: message?.name ?? ANY_MESSAGE,
    channel_id: channelId,
    content_type: message?.contentType ?? '',
    schema_format: message?.schemaFormat ?? '',
    payload_schema: message?.payload ?? null,
    headers_schema: message?.headers ?? null,
    examples: message?.examples ?? [],
  }
}

export function documentListing(
  document: RegisteredDocument,
  status: DocumentListing['status'],
  channels: number,
): DocumentListing {
  const { id, name, version, baseUrl, mode, source, file, pinned, createdAt, updatedAt } = document
  return {
    id,
    name,
    version,
    base_url: baseUrl,
    status,
    mode,
    source,
    file,
    pinned,
    channel_count: channels,
    created_at: createdAt,
    updated_at: updatedAt,
  }
}

function operations(channel: ContractChannel, action: ContractOperation['action']): object[] {
  return channel.operations
    .filter((operation) => operation.action === action)
    .map(({ id, messages, bindings, security }) => ({ id, messages, bindings, security }))
}

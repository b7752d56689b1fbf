import type { ContractChange } from '../asyncapi/comparison/compare-contracts.ts'
import type { Diagnostic } from '../asyncapi/contract/contract.ts'
import type { AsyncApiManager } from '../manager/asyncapi-manager.ts'
import type { DocumentLists } from '../manager/document-lists.ts'
import type { RegisteredDocument } from '../manager/document-registry.ts'
import type { DryRun } from '../manager/dry-run.ts'
import type { Registrar } from '../manager/registrar.ts'
import type { ReplayResult } from '../manager/replay-against.ts'
import type { Caller } from '../ports/identity.ts'
import type { ChannelListing, DocumentListing, SchemaListing } from '../ports/listings.ts'
import { page, type Page, type PageOrder, type PageRequest } from './paging.ts'

export interface DocumentDetail extends DocumentListing {
  specification: string
  title: string
  description: string | null
  /** The registered text. */
  content: string
  servers: { name: string; protocol: string; url: string; description: string | null; security_scheme: object | null }[]
  diagnostics: Diagnostic[]
  channels: ChannelListing[]
}

export interface RegisterRequest {
  name?: string
  /** JSON or YAML text, or the document as an object. */
  content: string | object
  version?: string
  base_url?: string
  mode?: 'strict' | 'lenient'
}

export interface RegisterAnswer {
  id: string
  name: string
  version: string
  channels: ChannelListing[]
  diagnostics: Diagnostic[]
  changes: ContractChange[]
}

export interface DryRunAnswer {
  name: string
  version: string
  /** This name and version is registered with this content already. */
  registered: boolean
  channels: string[]
  diagnostics: Diagnostic[]
  changes: ContractChange[]
  replay: ReplayResult
}

export interface RegistryPort {
  /**
   * Throws DocumentErrors (422, with places), EdgeError `document-conflict`, `document-of-file`. The signal ends the check; then
   * nothing is registered.
   */
  register(request: RegisterRequest, caller: Caller, signal?: AbortSignal): Promise<RegisterAnswer>
  dryRun(request: RegisterRequest, signal?: AbortSignal): Promise<DryRunAnswer>
  documents(page: PageRequest & { status?: string; name?: string }): Page<DocumentListing>
  /** Throws `not-found`, as all methods below that take an id. */
  document(id: string): DocumentDetail
  unregister(id: string, caller: Caller): Promise<void>
  /** Pinned: this version stays in force when newer ones are registered. Not pinned: the newest is in force again. */
  pin(id: string, pinned: boolean, caller: Caller): Promise<DocumentListing>
  channels(page: PageRequest & { asyncapi_document_id?: string }): Page<ChannelListing>
  channel(id: string): ChannelListing
  schema(messageId: string): SchemaListing
}

const BY_REGISTRATION: PageOrder<RegisteredDocument> = {
  keyOf: ({ serial }) => padded(serial),
  form: /^\d{10}$/,
}

/** By registration of the document, then by position in it. */
const BY_DOCUMENT: PageOrder<{ channel: ChannelListing; number: number }> = {
  keyOf: ({ channel, number }) => `${channel.created_at}_${channel.asyncapi_document_id}_${padded(number)}`,
  form: /^[0-9TZ:.-]{24}_[^_]+_\d{10}$/,
}

/** The registry as the API sees it. */
export function registryPort(
  manager: AsyncApiManager,
  registrar: Registrar,
  lists: DocumentLists,
  dryRun: DryRun,
): RegistryPort {
  return {
    async register({ name = '', content, version, base_url, mode = 'strict' }, caller, signal) {
      const options = { mode, by: caller.name, ...(signal === undefined ? {} : { signal }) }
      const { document, contract, changes } = await manager.registerAsyncapi(name, content, version, base_url, options)
      const channels = manager.listChannels(document.id)
      return {
        id: document.id,
        name: document.name,
        version: document.version,
        channels,
        diagnostics: contract.diagnostics,
        changes,
      }
    },
    dryRun: ({ name, content, version, base_url, mode = 'strict' }, signal) =>
      dryRun.run({
        name,
        text: typeof content === 'string' ? content : JSON.stringify(content),
        version,
        baseUrl: base_url,
        mode,
        signal,
      }),
    documents(request) {
      const { items, ...rest } = page(lists.registered(request), BY_REGISTRATION, request)
      return { items: items.map((one) => lists.listing(one)), ...rest }
    },
    document(id): DocumentDetail {
      const { listing, contract, channels } = lists.document(id)
      return {
        ...listing,
        specification: contract?.specification ?? '',
        title: contract?.title ?? listing.name,
        description: contract?.description ?? null,
        content: lists.content(id),
        servers: (contract?.servers ?? []).map((server) => ({
          name: server.name,
          protocol: server.protocol,
          url: server.url,
          description: server.description ?? null,
          security_scheme: contract?.securitySchemes.find((one) => server.security.includes(one.id))?.scheme ?? null,
        })),
        diagnostics: contract?.diagnostics ?? [],
        channels,
      }
    },
    unregister: (id) => manager.unregister(id),
    async pin(id, pinned) {
      await registrar.pin(id, pinned)
      return lists.document(id).listing
    },
    channels({ asyncapi_document_id, ...rest }) {
      const { items, ...more } = page(numbered(manager.listChannels(asyncapi_document_id)), BY_DOCUMENT, rest)
      return { items: items.map(({ channel }) => channel), ...more }
    },
    channel: (id) => lists.channel(id),
    schema: (id) => manager.getMessageSchema(id),
  }
}

/** Adds the position of each channel in its document. */
function numbered(channels: readonly ChannelListing[]): { channel: ChannelListing; number: number }[] {
  const counts = new Map<string, number>()
  return channels.map((channel) => {
    const number = counts.get(channel.asyncapi_document_id) ?? 0
    counts.set(channel.asyncapi_document_id, number + 1)
    return { channel, number }
  })
}

function padded(number: number): string {
  return String(number).padStart(10, '0')
}

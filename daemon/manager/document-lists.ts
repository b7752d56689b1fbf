import type { Contract } from '../asyncapi/contract/contract.ts'
import { EdgeError } from '../core/errors.ts'
import type { ChannelListing, DocumentListing, SchemaListing } from '../ports/listings.ts'
import type { DocumentRegistry, RegisteredDocument } from './document-registry.ts'
import { channelListings, documentListing, schemaListing } from './document-views.ts'
import type { DocumentsInForce } from './documents-in-force.ts'
import { messagesOf } from './registration-rows.ts'

interface Listed {
  channels: ChannelListing[]
  byId: Map<string, ChannelListing>
  /** By message id. */
  schemas: Map<string, SchemaListing>
}

/** Lists of documents, channels and schemas, as the API and programs see them. */
export class DocumentLists {
  private readonly registry: DocumentRegistry
  private readonly inForce: DocumentsInForce
  private readonly template: (id: string) => string | undefined
  /** Cached, because counting the channels of a version that is not in force reads its contract. */
  private readonly channelCounts = new WeakMap<RegisteredDocument, number>()
  /** Cached by contract. */
  private readonly listed = new WeakMap<Contract, Listed>()

  constructor(registry: DocumentRegistry, inForce: DocumentsInForce, template: (id: string) => string | undefined) {
    this.registry = registry
    this.inForce = inForce
    this.template = template
  }

  /** Every registered version, in the order of registration. */
  documents(): DocumentListing[] {
    return this.registered().map((document) => this.listing(document))
  }

  /** Filtered by name and status. */
  registered({ name, status }: { name?: string; status?: string } = {}): RegisteredDocument[] {
    return this.registry
      .all()
      .filter((one) => (name ?? one.name) === one.name && (status === undefined || this.statusOf(one) === status))
  }

  listing(document: RegisteredDocument): DocumentListing {
    const known = this.channelCounts.get(document) ?? this.list(document)?.channels.length
    if (known !== undefined) this.channelCounts.set(document, known)
    return documentListing(document, this.statusOf(document), known ?? 0)
  }

  /** Throws `not-found`. */
  document(id: string): { listing: DocumentListing; contract: Contract | undefined; channels: ChannelListing[] } {
    const document = this.registry.known(id)
    const contract = this.inForce.contractAtHand(document)
    return { listing: this.listing(document), contract, channels: this.channelsOf(document) }
  }

  /** The registered text. Throws `not-found`. */
  content(id: string): string {
    return this.template(this.registry.known(id).templateId) ?? ''
  }

  /** The channels of one version, or of all documents in force. Throws `not-found`. */
  allChannels(documentId?: string): ChannelListing[] {
    if (documentId !== undefined) return this.channelsOf(this.registry.known(documentId))
    return this.registry.allInForce().flatMap((document) => this.channelsOf(document))
  }

  /** A channel in force. Throws `not-found`. */
  channel(id: string): ChannelListing {
    for (const document of this.registry.allInForce()) {
      const found = this.list(document)?.byId.get(id)
      if (found !== undefined) return found
    }
    throw new EdgeError('not-found', `There is no channel ${id} in force.`)
  }

  hasChannel(id: string): boolean {
    return this.registry.allInForce().some((document) => this.list(document)?.byId.has(id) === true)
  }

  /** Schemas of a message in force. Throws `not-found`. */
  schema(messageId: string): SchemaListing {
    for (const document of this.registry.allInForce()) {
      const found = this.list(document)?.schemas.get(messageId)
      if (found !== undefined) return found
    }
    throw new EdgeError('not-found', `There is no message ${messageId} in force.`)
  }

  private channelsOf(document: RegisteredDocument): ChannelListing[] {
    return this.list(document)?.channels ?? []
  }

  private statusOf(document: RegisteredDocument): DocumentListing['status'] {
    return this.inForce.isInForce(document) ? 'active' : 'superseded'
  }

  private list(document: RegisteredDocument): Listed | undefined {
    const contract = this.inForce.contractAtHand(document)
    if (contract === undefined) return undefined
    const known = this.listed.get(contract)
    if (known !== undefined) return known
    const channels = channelListings(document, contract, this.statusOf(document))
    const byId = new Map(channels.map((channel) => [channel.id, channel]))
    const schemas = new Map<string, SchemaListing>()
    for (const [index, channel] of contract.channels.entries()) {
      const listing = channels[index]
      for (const [at, message] of messagesOf(channel).entries()) {
        const id = listing?.messages[at]?.id
        if (listing !== undefined && id !== undefined) schemas.set(id, schemaListing(id, listing.id, message))
      }
    }
    const listed = { channels, byId, schemas }
    this.listed.set(contract, listed)
    return listed
  }
}

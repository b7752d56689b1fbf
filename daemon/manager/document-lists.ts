import type { Contract } from '../asyncapi/contract.ts'
import { EdgeError } from '../core/errors.ts'
import type { DocumentRegistry, RegisteredDocument } from './document-registry.ts'
import type { DocumentsInForce } from './documents-in-force.ts'
import {
  channelListings,
  documentListing,
  messagesOf,
  schemaListing,
  type ChannelListing,
  type DocumentListing,
  type SchemaListing,
} from './document-views.ts'

interface Listed {
  channels: ChannelListing[]
  byId: Map<string, ChannelListing>
  /** By message id. */
  schemas: Map<string, SchemaListing>
}

/** What is registered, as lists; what is in force is listed from memory. */
export class DocumentLists {
  private readonly registry: DocumentRegistry
  private readonly inForce: DocumentsInForce
  private readonly template: (id: string) => string | undefined
  /** Made once a contract. */
  private readonly listed = new WeakMap<Contract, Listed>()

  constructor(registry: DocumentRegistry, inForce: DocumentsInForce, template: (id: string) => string | undefined) {
    this.registry = registry
    this.inForce = inForce
    this.template = template
  }

  /** Every registered version, in the order of registration. */
  documents(): DocumentListing[] {
    return this.registry.all().map((document) => this.listing(document))
  }

  /** Throws `not-found`. */
  document(id: string): { listing: DocumentListing; contract: Contract | undefined; channels: ChannelListing[] } {
    const document = this.known(id)
    const contract = this.inForce.contractAtHand(document)
    return { listing: this.listing(document), contract, channels: this.channelsOf(document) }
  }

  /** The text as it was registered. Throws `not-found`. */
  content(id: string): string {
    return this.template(this.known(id).templateId) ?? ''
  }

  /** The channels of one version, or of all documents in force. Throws `not-found`. */
  allChannels(documentId?: string): ChannelListing[] {
    if (documentId !== undefined) return this.channelsOf(this.known(documentId))
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

  /** Of a message in force. Throws `not-found`. */
  schema(messageId: string): SchemaListing {
    for (const document of this.registry.allInForce()) {
      const found = this.list(document)?.schemas.get(messageId)
      if (found !== undefined) return found
    }
    throw new EdgeError('not-found', `There is no message ${messageId} in force.`)
  }

  private known(id: string): RegisteredDocument {
    const document = this.registry.get(id)
    if (document === undefined) throw new EdgeError('not-found', `There is no document ${id}.`)
    return document
  }

  private listing(document: RegisteredDocument): DocumentListing {
    const status = this.inForce.isInForce(document) ? 'active' : 'superseded'
    return documentListing(document, status, this.channelsOf(document).length)
  }

  private channelsOf(document: RegisteredDocument): ChannelListing[] {
    return this.list(document)?.channels ?? []
  }

  private list(document: RegisteredDocument): Listed | undefined {
    const contract = this.inForce.contractAtHand(document)
    if (contract === undefined) return undefined
    const known = this.listed.get(contract)
    if (known !== undefined) return known
    const channels = channelListings(document, contract, this.inForce.isInForce(document) ? 'active' : 'superseded')
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

import type { Contract } from '../asyncapi/contract/contract.ts'
import { contractFromJson } from '../asyncapi/contract/share-messages.ts'
import type { ActiveDocument } from '../verdict/compiled-document.ts'
import { type Checking, loadText, type DocumentCache } from './document-loader.ts'
import type { DocumentRegistry, RegisteredDocument } from './document-registry.ts'
import { withBaseUrl } from './registration-rows.ts'

export interface DocumentsInForceOptions {
  registry: DocumentRegistry
  cache: Pick<DocumentCache, 'contract' | 'remember'>
  /** The bounds of a check. */
  checking?: () => Checking
  /** The text of a template. */
  template: (id: string) => string | undefined
}

/** Contracts of the documents in force. Those of other versions are read from the cache on demand. */
export class DocumentsInForce {
  private readonly options: DocumentsInForceOptions
  private readonly contracts = new Map<string, Contract>()

  constructor(options: DocumentsInForceOptions) {
    this.options = options
  }

  /** The documents to activate; one whose contract is not loaded is left out. */
  active(): ActiveDocument[] {
    return this.options.registry.allInForce().flatMap(({ id, name, version }) => {
      const contract = this.contracts.get(id)
      return contract === undefined ? [] : [{ name, version, contract }]
    })
  }

  /** Replaces the version of this name that is in force. */
  set(document: RegisteredDocument, contract: Contract): void {
    for (const other of this.options.registry.versions(document.name))
      if (other.id !== document.id) this.contracts.delete(other.id)
    this.contracts.set(document.id, contract)
  }

  delete(id: string): void {
    this.contracts.delete(id)
  }

  /** The contract from memory or cache; undefined where the document would have to be checked again. */
  contractAtHand(document: RegisteredDocument): Contract | undefined {
    const known = this.contracts.get(document.id)
    if (known !== undefined) return known
    const stored = this.options.cache.contract(document.contractHash)
    return stored === undefined ? undefined : withBaseUrl(contractFromJson(stored), document.baseUrl)
  }

  isInForce(document: RegisteredDocument): boolean {
    return this.options.registry.inForce(document.name)?.id === document.id
  }

  /** The contract from memory or cache, else from checking the text again. Throws as loadDocument does. */
  async contractOf(document: RegisteredDocument): Promise<Contract> {
    const contract = this.contractAtHand(document) ?? (await this.checkAgain(document))
    if (this.isInForce(document)) this.contracts.set(document.id, contract)
    return contract
  }

  private async checkAgain({ templateId, mode, baseUrl }: RegisteredDocument): Promise<Contract> {
    const { cache, checking, template } = this.options
    const { contract } = await loadText({ text: template(templateId) ?? '', mode }, cache, checking?.())
    return withBaseUrl(contract, baseUrl)
  }
}

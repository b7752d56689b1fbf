import { DocumentErrors } from '../asyncapi/documents/source/document-errors.ts'
import type { Clock } from '../core/clock.ts'
import { EdgeError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { expandDocuments } from '../settings/loading/expand-documents.ts'
import type { Settings } from '../settings/settings.ts'
import type { LogStore } from '../store/log/log-store.ts'
import type { ContractCacheReader } from '../store/tables/contract-cache.ts'
import type { DocumentReader, StoredRegistration } from '../store/tables/documents.ts'
import type { ActiveDocument } from '../verdict/compiled-document.ts'
import type { InForce } from '../verdict/in-force.ts'
import { unknownUpstreams, unknownUpstreamText } from '../verdict/unknown-upstreams.ts'
import { DocumentLists } from './document-lists.ts'
import { loadDocuments, type DocumentCache, type LoadedDocuments } from './document-loader.ts'
import { DocumentRegistry, type RegisteredDocument } from './document-registry.ts'
import { DocumentsInForce } from './documents-in-force.ts'
import { Registrar } from './registrar.ts'

export interface DocumentsOptions {
  store: LogStore
  reader: DocumentReader
  contracts: ContractCacheReader
  clock: Clock
  logger: Logger
  inForce: InForce
}

/** The documents of a gateway: from the files of its configuration, and registered over the API. */
export class Documents {
  readonly registrar: Registrar
  readonly lists: DocumentLists
  /** A topic that devices may publish on, for a first try. */
  exampleTopic(): string | undefined {
    for (const { contract } of this.active) {
      const address = contract.channels.find((channel) => channel.address !== null)?.address
      if (typeof address === 'string') return address.replaceAll(/\{[^{}]*\}/g, '42')
    }
    return undefined
  }

  private readonly options: DocumentsOptions
  private readonly cache: DocumentCache
  private readonly versions: DocumentsInForce
  private readonly registry: DocumentRegistry
  private loaded: LoadedDocuments = { documents: [], failures: [] }
  private failed: LoadedDocuments['failures'] = []
  private upstreams: readonly string[] = []
  private readonly told = new Set<string>()

  constructor(options: DocumentsOptions) {
    const { store, reader, contracts, clock, inForce } = options
    this.options = options
    this.cache = {
      contract: (hash) => contracts.contract(hash),
      lastGood: (file) => contracts.lastGood(file),
      remember: (hash, body) => store.remember({ type: 'remember', hash, body, at: clock.wallMs() }),
      rememberFile: (file, hash) => store.remember({ type: 'remember-file', file, hash }),
    }
    this.registry = new DocumentRegistry(reader.registrations().map(registered))
    const template = (id: string): string | undefined => reader.template(id)
    this.versions = new DocumentsInForce({ registry: this.registry, cache: this.cache, template })
    this.lists = new DocumentLists(this.registry, this.versions, template)
    this.registrar = new Registrar({
      registry: this.registry,
      inForce: this.versions,
      cache: this.cache,
      commit: (op) => store.log.commit(op),
      prepare: (document) => inForce.prepare(document),
      activate: (documents) => {
        this.tellUnknown(documents)
        inForce.activate(documents)
      },
      clock,
    })
  }

  get active(): readonly ActiveDocument[] {
    return this.versions.active()
  }

  /** Documents that did not load. The gateway runs without them, or with their last good versions. */
  get failures(): LoadedDocuments['failures'] {
    return [...this.loaded.failures, ...this.failed]
  }

  /** Throws DocumentErrors where a file does not load and has no last good version. */
  async start(settings: Settings): Promise<void> {
    await this.restore()
    const loaded = await loadDocuments(expandDocuments(settings, this.known()), this.cache)
    const lost = loaded.failures.filter((failure) => !failure.kept)
    if (lost.length > 0) throw new DocumentErrors(lost.flatMap((failure) => failure.errors))
    this.upstreams = Object.keys(settings.upstreams)
    this.take(loaded)
  }

  /** Throws DocumentErrors where any file does not load; then nothing has changed. */
  async reload(settings: Settings): Promise<void> {
    const loaded = await loadDocuments(expandDocuments(settings, this.known()), this.cache, { inSpareTime: true })
    if (loaded.failures.length > 0) throw new DocumentErrors(loaded.failures.flatMap((failure) => failure.errors))
    this.upstreams = Object.keys(settings.upstreams)
    this.told.clear()
    this.take(loaded)
  }

  /** The files that documents in force come from. */
  private known(): string[] {
    return this.registry.allInForce().flatMap(({ source, file }) => (source === 'file' && file !== null ? [file] : []))
  }

  private take(given: LoadedDocuments): void {
    const loaded = withoutNamesakes(given)
    this.loaded = loaded
    for (const { file, errors } of loaded.failures)
      for (const { code, message, hint } of errors)
        if (code === 'document-conflict') this.options.logger.error({ code, file, hint }, `${file}: ${message}`)
    // Files are in force even while the store cannot write the tables.
    this.registrar
      .adopt(loaded.documents)
      .catch((error: unknown) => this.options.logger.warn({ err: error }, 'the document tables could not be written'))
  }

  /** Warns once about each upstream that a document names and the settings do not have. */
  private tellUnknown(documents: readonly ActiveDocument[]): void {
    for (const { name, version, contract } of documents) {
      const document = `${name}@${version}`
      for (const to of unknownUpstreams(contract, this.upstreams)) {
        const key = JSON.stringify([document, to])
        if (this.told.has(key)) continue
        this.told.add(key)
        this.options.logger.warn({ document, upstream: to }, unknownUpstreamText(to))
      }
    }
  }

  private async restore(): Promise<void> {
    for (const document of this.registry.allInForce()) {
      if (document.source === 'file') continue
      try {
        await this.versions.contractOf(document)
      } catch (error) {
        if (!(error instanceof EdgeError)) throw error
        const file = `${document.name}@${document.version}`
        this.failed.push({ file, kept: false, errors: [error] })
        this.options.logger.error(
          { code: error.code, document: file },
          `a registered document does not load: ${error.message}`,
        )
      }
    }
  }
}

/** Refuses a file that holds the same version of the same document as an earlier file. */
function withoutNamesakes({ documents, failures }: LoadedDocuments): LoadedDocuments {
  const first = new Map<string, string>()
  const refused: LoadedDocuments['failures'] = []
  const kept = documents.filter(({ name, version, file }) => {
    const label = `${name}@${version}`
    const known = first.get(label)
    if (known === undefined) {
      first.set(label, file)
      return true
    }
    const hint = 'Give one of the files a name of its own under asyncapi, or another version.'
    const error = new EdgeError('document-conflict', `${known} is ${label} already`, { place: { file }, hint })
    refused.push({ file, kept: false, errors: [error] })
    return false
  })
  return { documents: kept, failures: [...failures, ...refused] }
}

function registered(row: StoredRegistration): RegisteredDocument {
  return {
    id: row.document_id,
    name: row.name,
    version: row.version,
    baseUrl: row.base_url,
    templateId: row.template_id,
    contractHash: row.contract_hash,
    mode: row.mode,
    source: row.source,
    file: row.file,
    pinned: row.pinned === 1,
    serial: row.serial,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

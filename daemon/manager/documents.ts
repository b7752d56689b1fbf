import { DocumentErrors } from '../asyncapi/documents/source/document-errors.ts'
import type { Clock } from '../core/clock.ts'
import { EdgeError, formatPlace, messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Timers } from '../core/timers.ts'
import { expandDocuments } from '../settings/loading/expand-documents.ts'
import type { Settings } from '../settings/settings.ts'
import type { LogStore } from '../store/log/log-store.ts'
import type { ContractCacheReader } from '../store/tables/contract-cache.ts'
import type { DocumentReader } from '../store/tables/documents.ts'
import type { ActiveDocument } from '../verdict/compiled-document.ts'
import type { InForce } from '../verdict/in-force.ts'
import { routingOf } from '../verdict/targets.ts'
import { unknownUpstreams, unknownUpstreamText } from '../verdict/unknown-upstreams.ts'
import { DocumentLists } from './document-lists.ts'
import {
  type Checking,
  type DocumentCache,
  errorsOf,
  type FileState,
  loadDocuments,
  type LoadedDocuments,
  loadFile,
  readFileState,
} from './document-loader.ts'
import { DocumentRegistry, registeredDocument, type RegisteredDocument } from './document-registry.ts'
import { DocumentsInForce } from './documents-in-force.ts'
import { Registrar } from './registrar.ts'
import { labelOf, StartChecks, type UnfinishedDocument } from './start-checks.ts'

export interface DocumentsOptions {
  store: LogStore
  reader: DocumentReader
  contracts: ContractCacheReader
  clock: Clock
  timers: Timers
  logger: Logger
  inForce: InForce
}

/**
 * The documents of a gateway: from the files of its configuration, and registered over the API. What a start finds unchecked is
 * checked in the background and comes into force when its check ends.
 */
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
  private startChecks: StartChecks | undefined
  private isServing = false
  private checkCpuMs: number | undefined
  private upstreams: readonly string[] = []
  private readonly told = new Set<string>()
  private readonly stopping = new AbortController()

  constructor(options: DocumentsOptions) {
    const { store, reader, contracts, clock, inForce } = options
    this.options = options
    this.cache = {
      contract: (hash) => contracts.contract(hash),
      lastGood: (file) => contracts.lastGood(file),
      remember: (hash, body) => store.remember({ type: 'remember', hash, body, at: clock.wallMs() }),
      rememberFile: (file, hash) => store.remember({ type: 'remember-file', file, hash }),
    }
    this.registry = new DocumentRegistry(reader.registrations().map(registeredDocument))
    const template = (id: string): string | undefined => reader.template(id)
    const checking = (): Checking => this.checking
    this.versions = new DocumentsInForce({ registry: this.registry, cache: this.cache, checking, template })
    this.lists = new DocumentLists(this.registry, this.versions, template)
    this.registrar = new Registrar({
      registry: this.registry,
      inForce: this.versions,
      cache: this.cache,
      checking,
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
    // One that was unregistered or replaced since then is nobody's concern.
    const labels = new Set(this.registry.allInForce().map(labelOf))
    const wrong = this.startChecks?.wrong.filter(({ file }) => labels.has(file)) ?? []
    return [...this.loaded.failures, ...wrong]
  }

  /** Documents that wait for their check, or are being checked. */
  get unfinished(): UnfinishedDocument[] {
    return this.startChecks?.unfinished ?? []
  }

  /**
   * Puts in force what is at hand. Waits some seconds for the checks of the rest, which then go on in the background: a busy
   * machine makes the gateway degraded, not late. Throws DocumentErrors where a file is found wrong meanwhile and has no last
   * good version.
   */
  async start(settings: Settings): Promise<void> {
    const { timers, logger } = this.options
    this.apply(settings)
    const checks = new StartChecks({
      files: expandDocuments(settings, this.known()).map((entry) => readFileState(entry, this.cache)),
      registered: this.restore(),
      checkFile: (state) => this.checkFile(state),
      checkRegistered: (document) => this.checkRegistered(document),
      onFileChecked: () => this.takeFiles(checks),
      timers,
    })
    this.startChecks = checks
    checks.end().catch((error: unknown) => {
      if (!this.stopping.signal.aborted) logger.error({ err: error }, 'the documents could not be checked')
    })
    await checks.wait()
    this.stopping.signal.throwIfAborted()
    const lost = checks.loaded.failures.filter((failure) => !failure.kept)
    if (lost.length > 0) {
      this.stop()
      throw new DocumentErrors(lost.flatMap((failure) => failure.errors))
    }
    this.isServing = true
    for (const { name } of checks.unfinished)
      logger.warn({ document: name }, `${name} is still being checked; it comes into force when its check ends`)
    this.takeFiles(checks)
  }

  /** Throws DocumentErrors where any file does not load; then nothing has changed. */
  async reload(settings: Settings): Promise<void> {
    await this.startChecks?.end()
    const checking = { ...this.checking, cpuMs: settings.checkCpuMs }
    const loaded = await loadDocuments(expandDocuments(settings, this.known()), this.cache, checking)
    if (loaded.failures.length > 0) throw new DocumentErrors(loaded.failures.flatMap((failure) => failure.errors))
    this.apply(settings)
    this.told.clear()
    this.take(loaded)
  }

  /** Ends every check. */
  stop(): void {
    this.stopping.abort(new EdgeError('shutting-down', 'The gateway is stopping.'))
  }

  private apply(settings: Settings): void {
    const { upstreams, checkCpuMs } = settings
    this.options.inForce.configure(routingOf(settings), settings.unmatched)
    this.upstreams = Object.keys(upstreams)
    this.checkCpuMs = checkCpuMs
  }

  private get checking(): Checking {
    const { signal } = this.stopping
    return { inSpareTime: this.isServing, signal, ...(this.checkCpuMs === undefined ? {} : { cpuMs: this.checkCpuMs }) }
  }

  private async checkFile({ entry }: FileState): Promise<FileState> {
    const checked = await loadFile(entry, this.cache, this.checking)
    const { document, errors } = checked
    if (!this.isServing || errors !== undefined || document === undefined) return checked
    // Devices are served meanwhile: the document is compiled ahead, in small steps.
    try {
      await this.options.inForce.prepare(document)
    } catch (error) {
      return { entry, isUnchecked: false, errors: errorsOf(error, entry.file) }
    }
    const { name, version } = document
    this.options.logger.info({ file: entry.file }, `${name}@${version} is checked and comes into force`)
    return checked
  }

  private async checkRegistered(document: RegisteredDocument): Promise<EdgeError | undefined> {
    try {
      await this.registrar.restore(document)
      return undefined
    } catch (error) {
      this.stopping.signal.throwIfAborted()
      const [first] = errorsOf(error, labelOf(document))
      this.options.logger.error(
        { code: first?.code, document: labelOf(document) },
        `a registered document does not load: ${messageOf(error)}`,
      )
      return first
    }
  }

  /** The files that documents in force come from. */
  private known(): string[] {
    return this.registry.allInForce().flatMap(({ source, file }) => (source === 'file' && file !== null ? [file] : []))
  }

  private takeFiles({ loaded, absent }: StartChecks): void {
    this.take(loaded, absent)
  }

  /** `absent`: files that are configured and have no contract yet; what the tables know of them stays. */
  private take(given: LoadedDocuments, absent: ReadonlySet<string> = new Set()): void {
    const loaded = withoutNamesakes(given)
    this.loaded = loaded
    for (const failure of loaded.failures) this.tellFailure(failure)
    // Files are in force even while the store cannot write the tables.
    this.registrar
      .adopt(loaded.documents, absent)
      .catch((error: unknown) => this.options.logger.warn({ err: error }, 'the document tables could not be written'))
  }

  private tellFailure({ file, kept, errors }: LoadedDocuments['failures'][number]): void {
    const [first] = errors
    if (first === undefined || this.told.has(file)) return
    this.told.add(file)
    const { code, hint, place } = first
    const consequence = kept ? 'its last good version is in force' : 'it is not in force'
    this.options.logger.error(
      { code, file, place, hint, errors: errors.length },
      `${formatPlace(first)}; ${consequence}`,
    )
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

  /** Loads what was registered over the API. Returns the documents that have to be checked again. */
  private restore(): RegisteredDocument[] {
    return this.registry.allInForce().filter((document) => {
      if (document.source === 'file') return false
      const contract = this.versions.contractAtHand(document)
      if (contract !== undefined) this.versions.set(document, contract)
      return contract === undefined
    })
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

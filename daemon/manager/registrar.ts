import { compareContracts, type ContractChange } from '../asyncapi/comparison/compare-contracts.ts'
import type { Contract } from '../asyncapi/contract/contract.ts'
import type { Clock } from '../core/clock.ts'
import { EdgeError } from '../core/errors.ts'
import { turn } from '../core/turn.ts'
import { Turns } from '../core/turns.ts'
import type { Op } from '../store/log/batch.ts'
import type { ActiveDocument } from '../verdict/compiled-document.ts'
import { type Checking, loadText, type DocumentCache, type FileDocument } from './document-loader.ts'
import type { DocumentRegistry, RegisteredDocument } from './document-registry.ts'
import type { DocumentsInForce } from './documents-in-force.ts'
import { documentId, documentRows, templateId, withBaseUrl } from './registration-rows.ts'
import type { Candidate, Registered, RegistrationInput } from './registration.ts'

export interface RegistrarOptions {
  registry: DocumentRegistry
  inForce: DocumentsInForce
  cache: Pick<DocumentCache, 'contract' | 'remember'>
  /** The bounds of a check. */
  checking?: () => Checking
  /** Resolves when the operation is durable; rejects with `store-full`, `shutting-down`. */
  commit: (op: Op) => Promise<void>
  /** Compiles a document in small steps, ahead of its activation. */
  prepare: (document: ActiveDocument) => Promise<void>
  /** Puts these documents in force. */
  activate: (documents: readonly ActiveDocument[]) => void
  clock: Clock
}

/** Bound on the versions of all documents together. */
const MAX_DOCUMENTS = 2_000
/** Bound on registrations that wait for their turn. */
const MAX_WAITING = 16

/**
 * Registers documents, one at a time: all tables in one transaction, and in force only after its commit, so nothing is ever half
 * registered. Documents of files are in force because the configuration names them; their tables follow.
 */
export class Registrar {
  private readonly options: RegistrarOptions
  private readonly turns = new Turns()

  constructor(options: RegistrarOptions) {
    this.options = options
  }

  /** Reads and checks; registers nothing. Throws DocumentErrors, `document-limit`, `request-invalid`. */
  async check(input: RegistrationInput): Promise<Candidate> {
    const { text, mode, baseUrl, signal } = input
    const { cache, checking } = this.options
    const bounds: Checking = checking?.() ?? {}
    const either = AbortSignal.any([signal, bounds.signal].filter((one) => one !== undefined))
    const { contract, hash } = await loadText({ text, mode }, cache, { ...bounds, inSpareTime: true, signal: either })
    const name = input.name ?? contract.title
    if (name === '')
      throw new EdgeError('request-invalid', 'The document has no title: give it a name.', { place: { field: 'name' } })
    const version = input.version ?? (contract.version === '' ? 'unversioned' : contract.version)
    return { name, version, contract: withBaseUrl(contract, baseUrl ?? null), hash }
  }

  /** The registration of this name and version, if its content is the same. Throws `document-conflict`, `document-of-file`. */
  existing({ name, version }: Candidate, text: string): RegisteredDocument | undefined {
    const { registry } = this.options
    const found = registry.get(documentId(name, version))
    if (found !== undefined && found.templateId === templateId(text)) return found
    const ofFile = registry.versions(name).find((one) => one.source === 'file')
    if (ofFile !== undefined)
      throw new EdgeError('document-of-file', `${name} is the document of ${ofFile.file ?? 'a file'}.`, {
        place: { field: 'name' },
      })
    if (found !== undefined)
      throw new EdgeError('document-conflict', `${name}@${version} is registered with other content.`, {
        place: { field: 'version' },
      })
    return undefined
  }

  /** The differences between a candidate and the version of its name that is in force. */
  async changes({ name, contract }: Candidate): Promise<ContractChange[]> {
    const { registry, inForce } = this.options
    const before = registry.inForce(name)
    return before === undefined ? [] : compareContracts(await inForce.contractOf(before), contract)
  }

  register(input: RegistrationInput, by: string): Promise<Registered> {
    return this.inTurn(async () => {
      const { registry, inForce } = this.options
      const candidate = await this.check(input)
      await turn()
      const { name, version, contract, hash } = candidate
      const existing = this.existing(candidate, input.text)
      if (existing !== undefined)
        return { document: existing, contract: await inForce.contractOf(existing), changes: [] }
      if (registry.size >= MAX_DOCUMENTS)
        throw new EdgeError('limit-reached', `${MAX_DOCUMENTS} document versions are registered.`)
      const changes = await this.changes(candidate)
      const source = { mode: input.mode, source: 'api', file: null } as const
      const document = this.made(name, version, input.baseUrl ?? null, input.text, hash, source)
      const active = this.takesForce(document)
      await turn()
      input.signal?.throwIfAborted()
      await this.write(document, contract, input.text, active, by)
      if (active) await this.options.prepare({ name, version, contract })
      // A reload may have brought this version, or a newer one of the name, meanwhile.
      const brought = registry.get(document.id)
      if (brought?.source === 'file') return { document: brought, contract: await inForce.contractOf(brought), changes }
      const takesForce = this.takesForce(document)
      registry.set(document)
      if (takesForce) {
        inForce.set(document, contract)
        this.putInForce()
      }
      await turn()
      return { document, contract, changes }
    })
  }

  /** Makes the registry agree with the configured files, but for those that are `absent`. Resolves when the tables are written. */
  adopt(files: readonly FileDocument[], absent: ReadonlySet<string> = new Set()): Promise<unknown> {
    const { registry, inForce } = this.options
    const kept = new Set(files.map(({ name, version }) => documentId(name, version)))
    const gone = registry.ofFiles().filter(({ id, file }) => !kept.has(id) && !absent.has(file ?? ''))
    for (const one of gone) {
      this.drop(one.id)
      const next = registry.inForce(one.name)
      const contract = next === undefined ? undefined : inForce.contractAtHand(next)
      if (next !== undefined && contract !== undefined) inForce.set(next, contract)
    }
    const writes = gone.map((one) => this.forget(one))
    for (const { name, version, contract, file, mode, text, hash } of files) {
      const known = registry.get(documentId(name, version))
      const isKnown = known?.source === 'file' && known.contractHash === hash && known.file === file
      if (text === undefined || isKnown) {
        // The contract at hand is the one that is compiled.
        if (known !== undefined && this.takesForce(known))
          inForce.set(known, (isKnown ? inForce.contractAtHand(known) : undefined) ?? contract)
        continue
      }
      const document = this.made(name, version, null, text, hash, { mode, source: 'file', file })
      const active = this.takesForce(document)
      registry.set(document)
      if (active) inForce.set(document, contract)
      writes.push(this.write(document, contract, text, active, 'configuration'))
    }
    this.putInForce()
    return Promise.all(writes)
  }

  /** Loads a registered document whose contract is not at hand, and puts it in force unless another version is. Throws as `check`. */
  async restore(document: RegisteredDocument): Promise<void> {
    const { inForce, prepare } = this.options
    const { name, version } = document
    const contract = await inForce.contractOf(document)
    if (!inForce.isInForce(document)) return
    await prepare({ name, version, contract })
    this.putInForce()
  }

  unregister(id: string): Promise<void> {
    return this.inTurn(async () => {
      const { registry } = this.options
      const document = registry.known(id)
      if (document.source === 'file')
        throw new EdgeError('document-of-file', `${document.name} is the document of ${document.file ?? 'a file'}.`)
      await this.options.commit({ type: 'unregister', documentId: id, at: this.now() })
      // A reload may have brought the document back meanwhile, from a file.
      if (registry.get(id)?.source === 'api') this.drop(id)
      await this.bringInForce(document.name)
    })
  }

  pin(id: string, pinned: boolean): Promise<RegisteredDocument> {
    return this.inTurn(async () => {
      const { registry, commit } = this.options
      const document = registry.known(id)
      const at = this.now()
      for (const other of registry.versions(document.name)) {
        const wanted = other.id === id && pinned
        if (other.pinned === wanted) continue
        await commit({ type: 'pin', documentId: other.id, pinned: wanted, at })
        // Its file may have been removed meanwhile.
        const current = registry.get(other.id)
        if (current !== undefined) registry.set({ ...current, pinned: wanted })
      }
      await this.bringInForce(document.name)
      return registry.known(id)
    })
  }

  private made(
    name: string,
    version: string,
    baseUrl: string | null,
    text: string,
    contractHash: string,
    source: Pick<RegisteredDocument, 'mode' | 'source' | 'file'>,
  ): RegisteredDocument {
    const { registry } = this.options
    const id = documentId(name, version)
    const known = registry.get(id)
    return {
      id,
      name,
      version,
      baseUrl,
      templateId: templateId(text),
      contractHash,
      ...source,
      pinned: known?.pinned ?? false,
      serial: known?.serial ?? registry.takeSerial(),
      createdAt: known?.createdAt ?? this.now(),
      updatedAt: this.now(),
    }
  }

  /** Whether a version goes in force when it is registered: no newer version is registered, and none is pinned. */
  private takesForce(document: RegisteredDocument): boolean {
    const before = this.options.registry.inForce(document.name)
    if (before === undefined || before.id === document.id) return true
    return !before.pinned && before.serial < document.serial
  }

  private write(
    document: RegisteredDocument,
    contract: Contract,
    text: string,
    active: boolean,
    by: string,
  ): Promise<void> {
    const { serial, mode, source, file, contractHash, pinned } = document
    const at = this.now()
    const stamps = { status: 'active', created_at: at, updated_at: at }
    return this.options.commit({
      type: 'register',
      registration: {
        template: { id: document.templateId, name: document.name, content: text, ...stamps },
        ...documentRows(document, contract, at),
        registration: {
          document_id: document.id,
          serial,
          mode,
          source,
          file,
          contract_hash: contractHash,
          pinned: pinned ? 1 : 0,
          registered_by: by,
        },
        active,
      },
    })
  }

  /** Unregisters a document whose file is no longer configured. */
  private async forget(document: RegisteredDocument): Promise<void> {
    await this.options.commit({ type: 'unregister', documentId: document.id, at: this.now() })
    await this.bringInForce(document.name)
  }

  private drop(id: string): void {
    this.options.registry.delete(id)
    this.options.inForce.delete(id)
  }

  /** Loads the version of a name that is in force now, writes it to the tables, and puts it in force. */
  private async bringInForce(name: string): Promise<void> {
    const { registry, inForce, commit } = this.options
    try {
      // Another version may take force during each wait: then that one is loaded.
      for (let document = registry.inForce(name); document !== undefined;) {
        const contract = await inForce.contractOf(document)
        const at = this.now()
        if (document === registry.inForce(name))
          await commit({ type: 'activate', documentId: document.id, at, rows: documentRows(document, contract, at) })
        const current = registry.inForce(name)
        if (document === current) {
          inForce.set(document, contract)
          return
        }
        document = current
      }
    } finally {
      this.putInForce()
    }
  }

  /** Every change of the documents in force ends here. */
  private putInForce(): void {
    this.options.activate(this.options.inForce.active())
  }

  private now(): string {
    return new Date(this.options.clock.wallMs()).toISOString()
  }

  private inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.turns.size < MAX_WAITING) return this.turns.run(work)
    return Promise.reject(new EdgeError('limit-reached', `${MAX_WAITING} registrations are waiting.`))
  }
}

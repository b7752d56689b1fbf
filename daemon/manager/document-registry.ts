import { EdgeError } from '../core/errors.ts'
import type { StoredRegistration } from '../store/tables/documents.ts'
import type { DocumentMode } from './document-loader.ts'

/** One registered version of a document. */
export interface RegisteredDocument {
  id: string
  name: string
  version: string
  baseUrl: string | null
  /** Id of the content; equal texts share it. */
  templateId: string
  /** Key of its contract in the cache. */
  contractHash: string
  mode: DocumentMode
  source: 'api' | 'file'
  file: string | null
  /** Stays in force when a newer version is registered. */
  pinned: boolean
  /** Order of registration. */
  serial: number
  /** ISO 8601. */
  createdAt: string
  updatedAt: string
}

/** The registered documents, and the version of each name that is in force: the pinned one, else the newest. */
export class DocumentRegistry {
  private readonly byId = new Map<string, RegisteredDocument>()
  private lastSerial = 0

  constructor(documents: readonly RegisteredDocument[]) {
    for (const document of documents) this.set(document)
  }

  get size(): number {
    return this.byId.size
  }

  /** A number that no other document gets, also while this one is being written. */
  takeSerial(): number {
    return ++this.lastSerial
  }

  get(id: string): RegisteredDocument | undefined {
    return this.byId.get(id)
  }

  /** Throws `not-found`. */
  known(id: string): RegisteredDocument {
    const document = this.byId.get(id)
    if (document === undefined) throw new EdgeError('not-found', `There is no document ${id}.`)
    return document
  }

  set(document: RegisteredDocument): void {
    this.byId.set(document.id, document)
    this.lastSerial = Math.max(this.lastSerial, document.serial)
  }

  delete(id: string): void {
    this.byId.delete(id)
  }

  /** In the order of registration. */
  all(): RegisteredDocument[] {
    return [...this.byId.values()].sort((a, b) => a.serial - b.serial)
  }

  /** Every version of a name, the newest first. */
  versions(name: string): RegisteredDocument[] {
    return [...this.byId.values()].filter((one) => one.name === name).sort((a, b) => b.serial - a.serial)
  }

  inForce(name: string): RegisteredDocument | undefined {
    const versions = this.versions(name)
    return versions.find((one) => one.pinned) ?? versions[0]
  }

  /** In the order in which their names were first registered. */
  allInForce(): RegisteredDocument[] {
    const chosen = new Map<string, RegisteredDocument>()
    for (const one of this.all()) {
      const known = chosen.get(one.name)
      if (known === undefined || !known.pinned) chosen.set(one.name, one)
    }
    return [...chosen.values()]
  }

  ofFiles(): RegisteredDocument[] {
    return [...this.byId.values()].filter((one) => one.source === 'file')
  }
}

export function registeredDocument(row: StoredRegistration): RegisteredDocument {
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

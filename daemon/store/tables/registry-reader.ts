import type Database from 'better-sqlite3'
import { isCorrupt } from '../sqlite-codes.ts'
import type { RegistrationRow } from './registry-rows.ts'

/** A document version that is registered, with how it came here. */
export interface StoredRegistration extends RegistrationRow {
  name: string
  version: string
  base_url: string | null
  template_id: string
  created_at: string
  updated_at: string
}

/** What the main thread reads of the registry, over a connection of its own. */
export class RegistryReader {
  private readonly db: Database.Database
  private readonly content: Database.Statement<[string], string>
  private readonly contractBody: Database.Statement<[string], string>
  private readonly lastGoodHash: Database.Statement<[string], string>

  constructor(db: Database.Database) {
    this.db = db
    this.content = db.prepare<[string], string>('SELECT content FROM asyncapi_templates WHERE id = ?').pluck()
    this.contractBody = db.prepare<[string], string>('SELECT body FROM contracts WHERE hash = ?').pluck()
    this.lastGoodHash = db.prepare<[string], string>('SELECT hash FROM documents WHERE file = ?').pluck()
  }

  /** Every version that is not deleted, in the order of registration. */
  registrations(): StoredRegistration[] {
    return this.db
      .prepare<[], StoredRegistration>(
        `SELECT r.*, d.name, d.version, d.base_url, d.template_id, d.created_at, d.updated_at
         FROM registrations r JOIN asyncapi_documents d ON d.id = r.document_id ORDER BY r.serial`,
      )
      .all()
  }

  /** The text of a document, as it was registered. */
  template(id: string): string | undefined {
    return this.content.get(id)
  }

  /** A contract that an earlier start compiled, by the hash of its source; undefined if there is none. */
  contract(hash: string): string | undefined {
    return cached(this.contractBody, hash)
  }

  /** The hash of the last good version of a document file. */
  lastGood(file: string): string | undefined {
    return cached(this.lastGoodHash, file)
  }
}

/** What is only a cache may be damaged without harm. */
function cached(statement: Database.Statement<[string], string>, key: string): string | undefined {
  try {
    return statement.get(key)
  } catch (error) {
    if (!isCorrupt(error)) throw error
    return undefined
  }
}

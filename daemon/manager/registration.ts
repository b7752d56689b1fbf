import type { ContractChange } from '../asyncapi/comparison/compare-contracts.ts'
import type { Contract } from '../asyncapi/contract/contract.ts'
import type { DocumentMode } from './document-loader.ts'
import type { RegisteredDocument } from './document-registry.ts'

export interface RegistrationInput {
  /** Default: the document's title. */
  name?: string | undefined
  text: string
  version?: string | undefined
  baseUrl?: string | undefined
  mode: DocumentMode
  /** Aborted when the caller has gone: then the check ends, and nothing is registered. */
  signal?: AbortSignal | undefined
}

/** A checked document that is not registered. */
export interface Candidate {
  name: string
  version: string
  contract: Contract
  hash: string
}

export interface Registered {
  document: RegisteredDocument
  contract: Contract
  changes: ContractChange[]
}

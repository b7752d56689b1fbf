import { createHash } from 'node:crypto'
import { basename, extname } from 'node:path'
import type { Contract } from '../asyncapi/contract/contract.ts'
import { contractFromJson, shareMessages } from '../asyncapi/contract/share-messages.ts'
import type { DocumentInput } from '../asyncapi/documents/check-document.ts'
import { loadDocument, type LoadOptions } from '../asyncapi/documents/load-document.ts'
import { readDocumentFile } from '../asyncapi/documents/read-document-file.ts'
import { EdgeError, messageOf } from '../core/errors.ts'
import { turn } from '../core/turn.ts'
import type { AsyncapiEntry } from '../settings/sections/asyncapi-settings.ts'
import type { ActiveDocument } from '../verdict/compiled-document.ts'

/** Checked contracts and last good versions, kept in the store between starts. */
export interface DocumentCache {
  contract(hash: string): string | undefined
  lastGood(file: string): string | undefined
  remember(hash: string, contract: string): void
  rememberFile(file: string, hash: string): void
}

/** A document in force that comes from a file. */
export interface FileDocument extends ActiveDocument {
  file: string
  mode: DocumentMode
  /** Undefined where the file does not load and its last good version is used. */
  text: string | undefined
  /** Key of its contract in the cache. */
  hash: string
}

export type DocumentMode = AsyncapiEntry['mode']

export interface LoadedDocuments {
  documents: FileDocument[]
  /** Documents that did not load. `kept`: the last good version is in force. */
  failures: { file: string; kept: boolean; errors: EdgeError[] }[]
}

/** Part of the cache key; raised when extraction changes, so that older cached contracts are not used. */
const CONTRACT_FORMAT = 2

/** `inSpareTime`: devices are served meanwhile, and come first. */
export type Checking = Pick<LoadOptions, 'inSpareTime'>

/** Loads documents from files. A text that was checked before comes from the cache, without parser and child process. */
export async function loadDocuments(
  entries: readonly AsyncapiEntry[],
  cache: DocumentCache,
  checking: Checking = {},
): Promise<LoadedDocuments> {
  const documents: FileDocument[] = []
  const failures: LoadedDocuments['failures'] = []
  for (const entry of entries) {
    try {
      const text = readDocumentFile(entry.file)
      const { contract, hash } = await loadText({ ...entry, text }, cache, checking)
      if (cache.lastGood(entry.file) !== hash) cache.rememberFile(entry.file, hash)
      documents.push({ ...named(entry, contract), file: entry.file, mode: entry.mode, text, hash })
    } catch (error) {
      const last = lastGood(entry, cache)
      if (last !== undefined) {
        const { contract, hash } = last
        documents.push({ ...named(entry, contract), file: entry.file, mode: entry.mode, text: undefined, hash })
      }
      failures.push({ file: entry.file, kept: last !== undefined, errors: errorsOf(error, entry.file) })
    }
  }
  return { documents, failures }
}

/** The contract of a text, from the cache or from the checking process, which fills the cache. Throws as loadDocument does. */
export async function loadText(
  input: { text: string; mode: DocumentMode; file?: string },
  cache: Pick<DocumentCache, 'contract' | 'remember'>,
  checking: Checking = {},
): Promise<{ contract: Contract; hash: string }> {
  const { text, mode, file } = input
  const hash = createHash('sha256').update(`${CONTRACT_FORMAT} ${mode}\n`).update(text).digest('hex')
  const known = cache.contract(hash)
  if (known !== undefined) return { contract: contractFromJson(known), hash }
  const contract = await check(file === undefined ? { text, mode } : { text, mode, file }, checking)
  // Deserialising the contract has blocked the event loop.
  if (checking.inSpareTime === true) await turn()
  cache.remember(hash, JSON.stringify(contract))
  return { contract: shareMessages(contract), hash }
}

/** Checks once more, at normal priority, when the checking process died or was starved: that says nothing about the document. */
async function check(input: DocumentInput, checking: Checking): Promise<Contract> {
  try {
    return await loadDocument(input, checking)
  } catch (error) {
    if (!(error instanceof EdgeError) || error.code !== 'document-check-failed') throw error
    return loadDocument(input)
  }
}

function lastGood(entry: AsyncapiEntry, cache: DocumentCache): { contract: Contract; hash: string } | undefined {
  const hash = cache.lastGood(entry.file)
  const body = hash === undefined ? undefined : cache.contract(hash)
  return hash === undefined || body === undefined ? undefined : { contract: contractFromJson(body), hash }
}

function named(entry: AsyncapiEntry, contract: Contract): ActiveDocument {
  const fileName = basename(entry.file, extname(entry.file))
  return {
    name: entry.name ?? (contract.title === '' ? fileName : contract.title),
    version: contract.version,
    contract,
  }
}

/** Flattens DocumentErrors; other failures become `document-check-failed`. */
export function errorsOf(error: unknown, file: string): EdgeError[] {
  if (error instanceof EdgeError)
    return 'errors' in error && Array.isArray(error.errors) ? (error.errors as EdgeError[]) : [error]
  return [new EdgeError('document-check-failed', messageOf(error), { cause: error, place: { file } })]
}
